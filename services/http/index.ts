export type { DrillDesk } from './drill-desk.ts';
export type { EventLimits } from './events.ts';
export { type HttpFace, type HttpFaceOptions, httpFace, openApiDocument } from './face.ts';
