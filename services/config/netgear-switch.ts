import { z } from 'zod';
import { seconds } from './values.ts';

/** The part of the configuration about Netgear "Plus" switches, which have a web page and nothing else. */

/** Power for all ports together, W, as other open projects list it (foxey/py-netgear-plus, models). */
export const NETGEAR_BUDGETS_W = {
  gs305ep: 63,
  gs305epp: 120,
  gs308ep: 62,
  gs308epp: 123,
  gs316ep: 180,
  gs316epp: 231,
} as const;

const models = Object.keys(NETGEAR_BUDGETS_W) as (keyof typeof NETGEAR_BUDGETS_W)[];

/** What a `netgear-plus` switch has besides what all switches with a web interface have. */
export const netgearSwitch = {
  driver: z.literal('netgear-plus'),
  model: z.enum(models).meta({ description: 'GS305EP, GS305EPP, … in small letters; it says which pages there are' }),
  pageGap: seconds(1).meta({ description: 'rest between two pages; these switches want it' }),
  settle: seconds(20),
};
