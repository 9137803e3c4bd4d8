import { messageOf } from '../runtime/errors.ts';
import { type SshHosts, type SshHostsOptions, serveSshHosts } from './devices/ssh-hosts.ts';
import type { World } from './model.ts';

const TRIES = 6;

/**
 * The SSH faces of all machines, with keys that can be read.
 * ssh2 1.17.0 drops the first byte of an ed25519 key when it is zero and then cannot parse what it made (its issue 1513):
 * one key in 256, so one rack in twelve. Such a round is made anew.
 */
export function serveSshFaces(
  world: World,
  options: SshHostsOptions = {},
  serve: typeof serveSshHosts = serveSshHosts,
): Promise<SshHosts> {
  const attempt = async (left: number): Promise<SshHosts> => {
    try {
      return await serve(world, options);
    } catch (error) {
      if (left <= 1 || !messageOf(error).includes('Malformed OpenSSH')) throw error;
      return attempt(left - 1);
    }
  };
  return attempt(TRIES);
}
