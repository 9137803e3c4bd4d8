export type { AccessToken } from './access.ts';
export type { EventLimits } from './events.ts';
export { type HttpFace, type HttpFaceOptions, httpFace, openApiDocument } from './face.ts';
export type { FaceLog } from './routes.ts';
