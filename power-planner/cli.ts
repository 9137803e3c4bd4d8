#!/usr/bin/env node
// The planner as a program of its own: nothing of the service is loaded.
import { runPlanner } from './cli/commands.ts';

const { stdin, stdout, stderr, env, argv } = process;
process.exitCode = await runPlanner(argv.slice(2), { stdin, stdout, stderr, environment: env });
