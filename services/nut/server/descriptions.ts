/** What each variable is, for GET DESC. Outlets are described by what follows their number. */
const VARIABLES: Readonly<Record<string, string>> = {
  'battery.capacity.nominal': 'Capacity of all packs (Ah)',
  'battery.charge': 'State of charge by the model of the service (percent of full)',
  'battery.charge.low': 'On battery at this charge LB is shown (percent)',
  'battery.charger.status': 'What flows: charging, discharging or resting',
  'battery.current': 'Current of all packs, positive charges (A)',
  'battery.packs': 'Packs that are configured',
  'battery.packs.bad': 'Packs that are not heard',
  'battery.runtime': 'Time to empty at the present load (seconds)',
  'battery.runtime.low': 'On battery at this runtime LB is shown (seconds)',
  'battery.temperature': 'Warmest temperature of the packs (degrees C)',
  'battery.temperature.cell.max': 'Warmest temperature of the packs (degrees C)',
  'battery.temperature.cell.min': 'Coldest temperature of the packs (degrees C)',
  'battery.type': 'Chemistry of the packs',
  'battery.voltage': 'Voltage of the DC bus (V)',
  'battery.voltage.cell.min': 'Voltage of the weakest cell (V)',
  'device.mfr': 'Maker of the device',
  'device.model': 'Model of the device',
  'device.serial': 'Serial number of the device',
  'device.type': 'Kind of device',
  'driver.name': 'Program that speaks for the device',
  'driver.version': 'Version of that program',
  'experimental.battery.energy': 'Energy that can be used (Wh)',
  'experimental.battery.energy.low': 'Energy that can be counted on (Wh)',
  'experimental.shutdown.phase': 'Phase of the coordinator',
  'experimental.shutdown.alloff': 'Time until the last host is off (seconds)',
  'input.current': 'Current at the meter (A)',
  'input.frequency': 'Frequency at the meter (Hz)',
  'input.power': 'Apparent power at the meter (VA)',
  'input.realpower': 'Power at the meter (W)',
  'input.voltage': 'Voltage at the meter (V)',
  'outlet.count': 'Stages',
  'server.info': 'Server',
  'server.version': 'Version of the server',
  'ups.alarm': 'Protections of the packs that may take the power away',
  'ups.firmware': 'Version of the service',
  'ups.id': 'Name of the rack',
  'ups.load': 'Load (percent of nominal)',
  'ups.mfr': 'Maker',
  'ups.model': 'Model',
  'ups.realpower': 'Load (W)',
  'ups.realpower.nominal': 'Largest load (W)',
  'ups.serial': 'Serial number',
  'ups.status': 'Status',
  'ups.timer.shutdown': 'Time until the last stage goes down (seconds), -1 while mains is there',
};

const OUTLET: Readonly<Record<string, string>> = {
  id: 'Position of the stage in the order of going down',
  name: 'Name of the stage',
  desc: 'State of the stage and its hosts',
  status: 'off when every host of the stage is off',
  switchable: 'Whether the stage alone can be switched',
  realpower: 'Measured draw of the hosts of the stage (W)',
  'delay.shutdown': 'Planned time from begin to the last port cut (seconds)',
  'timer.shutdown': 'Time until the stage begins to go down (seconds), -1 while mains is there',
};

const COMMANDS: Readonly<Record<string, string>> = {
  'shutdown.default': 'All stages go down now, and come back with mains',
  'shutdown.return': 'All stages go down now, and come back with mains',
  'shutdown.stop': 'Call back what can still be called back',
  'experimental.shutdown.hold': 'Hold all triggers but the energy (parameter: seconds)',
};

export const describeVariable = (name: string): string => {
  const outlet = /^outlet\.\d+\.(.+)$/.exec(name);
  return (outlet === null ? VARIABLES[name] : OUTLET[outlet[1] ?? '']) ?? 'Description unavailable';
};

export const describeCommand = (name: string): string => COMMANDS[name] ?? 'Description unavailable';

/** All instant commands, sorted. */
export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS).sort();
