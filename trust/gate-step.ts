// What one live window is worth to the gate: the difference between champion and challenger, bounded so that no window decides alone.
//
//   bound   clip_sd times the standard deviation: the one of the screen, or that of the windows before where it is larger
//   x_t     (d_t - owed) / bound kept within [-1, 1]
//   owed    what a loss beyond the bound left uncounted: the next windows pay it. Gains beyond the bound are lost.
//
// With losses merely cut off, a challenger that is a little better most of the time and far worse now and then passes though it is no
// better on average; and one that was screened on a lucky stretch would be measured by that stretch's calm.

export interface Measured {
  readonly champion_crps: number;
  readonly challenger_crps: number;
}

/**
 * x of every window in order: d is CRPS(champion) - CRPS(challenger) over `scale`, `sd` its standard deviation at the screen.
 * @example boundedSteps([{ champion_crps: 1, challenger_crps: 1.5 }], { scale: 1, sd: 0.1, clip_sd: 3 }) // [-1]; 0.2 is owed
 */
export function boundedSteps(
  windows: readonly Measured[],
  { scale, sd, clip_sd }: { readonly scale: number; readonly sd: number; readonly clip_sd: number },
): number[] {
  let [owed, squares] = [0, 0];
  return windows.map(({ champion_crps, challenger_crps }, n) => {
    const d = (champion_crps - challenger_crps) / scale;
    const bound = clip_sd * Math.max(sd, n === 0 ? 0 : Math.sqrt(squares / n));
    const due = d - owed;
    const counted = Math.max(-bound, Math.min(bound, due));
    owed = Math.max(0, counted - due);
    squares += d ** 2;
    return counted / bound;
  });
}
