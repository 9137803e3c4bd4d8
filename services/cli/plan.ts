import { runPlanner } from '#planner';

/** The command `plan`: the planner's own command line, under our name. */
export function plan(args: readonly string[]): Promise<number> {
  const { stdin, stdout, stderr, env } = process;
  return runPlanner(args, { stdin, stdout, stderr, environment: env }, 'holdover plan');
}
