export { Lease } from './lease.ts';
