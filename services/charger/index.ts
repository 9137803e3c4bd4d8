export { commandCharger } from './command-charger.ts';
