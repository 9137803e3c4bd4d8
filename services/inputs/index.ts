export { Inputs } from './inputs.ts';
