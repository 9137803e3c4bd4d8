/** Reasons in the journal that others look for. */

export const CORDONED = 'cordoned';
export const DRAINED = 'nothing evictable is left';
/** The drain ended at its deadline while the cluster answered; names of pods follow. */
export const LEFT_RUNNING = 'left running';
