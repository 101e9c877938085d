// Text that a record may carry, such as the words of an error: what the type board.short_text takes.

// Tab and line end stay. The rest moves a terminal's cursor or turns a line's direction.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const LONGEST = 2000;

/** A text without what a terminal would act on, at most 2000 characters long. */
export const shortText = (text: string): string => text.replace(UNPRINTABLE, '\ufffd').slice(0, LONGEST);
