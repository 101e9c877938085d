// Keeps ONNX Runtime from reporting to its maker. Import it before anything that loads onnxruntime-node.
// Since 1.29 the official Linux builds create a device id and an event database under ~/.cache/Microsoft and upload
// session facts to mobile.events.data.microsoft.com unless this variable is set when the library starts.
// Promises: the variable is set in this process. A worker thread has only a copy of the environment, so the thread
// that starts workers must import this too.
export const QUIET_RUNTIME = { ORT_DISABLE_TELEMETRY: '1' } as const;

Object.assign(process.env, QUIET_RUNTIME);
