// The answer to a prompt: writing one the validator accepts, and judging one as the validator does.
export { formatPaths, formatPrice, formatResponse } from './response/format.js';
export { pyStr } from './response/python.js';
export { type PyJson, pythonJson } from './response/scan.js';
export { validateResponse, validateResponseText, validateResponseValue } from './response/validate.js';
