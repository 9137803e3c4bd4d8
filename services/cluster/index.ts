export { ApiError, type ApiErrorCode } from './api-error.ts';
export { type Cluster, openCluster } from './cluster.ts';
export { KubeconfigError } from './kubeconfig.ts';
export { CORDON_MARK } from './objects.ts';
export { KEEP_ANNOTATION } from './which-pods.ts';
