import type { UpsSample } from '#bms/model';
import type { NutSourceConfig } from '../../config/nut.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Source } from '../../runtime/poller.ts';
import { asWord } from '../words.ts';
import { NutLink } from './link.ts';
import { NutError, type NutErrorCode } from './nut-error.ts';
import { upsSampleOf, variablesOf } from './ups-sample.ts';

/** Secrets of the configuration, resolved. */
export interface NutSourceSecrets {
  readonly password?: string;
  /** PEM of the authority that is trusted. */
  readonly ca?: string;
}

export interface UpsSource extends Source<UpsSample> {
  close(): Promise<void>;
}

/**
 * A UPS that another program reads, over NUT. It connects when it is asked, keeps the connection, and connects anew when
 * that is gone: a server closes what is idle for a minute, and that is no failure.
 */
export function nutUps(config: NutSourceConfig, secrets: NutSourceSecrets, clock: Clock): UpsSource {
  let link: NutLink | undefined;

  async function poll(signal: AbortSignal): Promise<UpsSample> {
    const kept = link?.usable === true;
    try {
      return await ask(signal);
    } catch (error) {
      // A kept connection may have ended since it was last used: one fresh one decides.
      if (!kept || !(error instanceof NutError) || error.code !== 'closed' || signal.aborted) throw error;
      return await ask(signal);
    }
  }

  async function ask(signal: AbortSignal): Promise<UpsSample> {
    try {
      if (link?.usable !== true) link = await connected(config, secrets, signal);
      const { lines, error } = await link.list(`VAR ${config.ups}`, signal);
      if (error !== undefined) throw refusal(error, config);
      const variables = variablesOf(lines);
      if (!variables.has('ups.status'))
        throw new NutError('protocol', `ups ${config.ups} at ${config.host} tells no ups.status`);
      const sample = upsSampleOf(variables, clock.wallMs());
      if (sample.mode === 'waiting')
        throw new NutError('waiting', `ups ${config.ups} at ${config.host} has not been read by its server yet`);
      return sample;
    } catch (error) {
      // What the server says of the UPS leaves the connection good; after anything else nobody knows what comes next.
      if (!(error instanceof NutError) || !SPOKEN.has(error.code)) {
        link?.close();
        link = undefined;
      }
      throw error;
    }
  }

  return {
    id: config.id,
    kind: 'ups',
    everyMs: config.every * 1000,
    poll,
    close: () => {
      link?.close();
      link = undefined;
      return Promise.resolve();
    },
  };
}

const SPOKEN: ReadonlySet<NutErrorCode> = new Set(['data-stale', 'driver-not-connected', 'unknown-ups', 'waiting']);

async function connected(config: NutSourceConfig, secrets: NutSourceSecrets, signal: AbortSignal): Promise<NutLink> {
  const link = await NutLink.open(config, signal);
  try {
    if (config.tls !== undefined) {
      const { insecure } = config.tls;
      await link.startTls({ insecure, ...(secrets.ca === undefined ? {} : { ca: secrets.ca }) }, config.host, signal);
    }
    if (config.user !== undefined && secrets.password !== undefined) {
      await expectOk(link, `USERNAME ${asWord(config.user)}`, 'USERNAME', config, signal);
      await expectOk(link, `PASSWORD ${asWord(secrets.password)}`, 'PASSWORD', config, signal);
      if (config.login) await expectOk(link, `LOGIN ${config.ups}`, 'LOGIN', config, signal);
    }
    return link;
  } catch (error) {
    link.close();
    throw error;
  }
}

/** @param verb what is named in a message: the request itself may hold a secret */
async function expectOk(
  link: NutLink,
  request: string,
  verb: string,
  config: NutSourceConfig,
  signal: AbortSignal,
): Promise<void> {
  const answer = await link.ask(request, signal);
  if (answer.startsWith('OK')) return;
  const error = refusal(answer, config);
  throw error.code === 'refused'
    ? new NutError('refused', `${config.host} refuses ${verb}: ${clipped(answer)}`)
    : error;
}

function refusal(answer: string, { ups, host }: NutSourceConfig): NutError {
  const code = answer.split(/\s+/)[1] ?? '';
  switch (code) {
    case 'DATA-STALE':
      return new NutError('data-stale', `${host} has heard nothing of ups ${ups} lately; look at its driver there`);
    case 'DRIVER-NOT-CONNECTED':
      return new NutError('driver-not-connected', `no driver feeds ups ${ups} at ${host}; start it there`);
    case 'UNKNOWN-UPS':
      return new NutError('unknown-ups', `${host} knows no ups ${ups}; try: upsc -l ${host}`);
    case 'ACCESS-DENIED':
      return new NutError('access-denied', `${host} refuses user and password for ups ${ups}; look at its upsd.users`);
    default:
      return new NutError('refused', `${host} refuses to tell of ups ${ups}: ${clipped(answer)}`);
  }
}

const clipped = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 80);
