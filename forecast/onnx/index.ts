// ONNX models as one import: build, inspect, run here, run fenced in.
// Promises: nothing is opened that was not inspected. Leaves model mathematics to families/.
export { inspectModel, type ModelFacts } from './inspect.js';
export type { Isolation } from './isolation.js';
export { toPrices } from './prices.js';
export { openSandboxed, type SandboxedSimulator, type SandboxLimits } from './sandbox.js';
export { openInProcess, type SimulateRequest, type Simulator } from './session.js';
