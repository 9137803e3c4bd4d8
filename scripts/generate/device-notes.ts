/** What the registry cannot tell of a device: whose it is, what it reads, and how well that is proven. Kept by hand. */
export interface DeviceNote {
  /** Drivers that share a row. */
  readonly ids: readonly string[];
  readonly device: string;
  /** Remark on its line. */
  readonly line?: string;
  readonly reads: string;
  readonly proven: string;
}

export const DEVICE_NOTES: readonly DeviceNote[] = [
  {
    ids: ['jbd'],
    device: 'JBD, Overkill Solar, Xiaoxiang: the `DD … 77` protocol, one board per port',
    reads:
      'voltage, current, charge (own and remaining), cells, temperatures, cycles, balancing, FETs, protections and warnings, model, firmware',
    proven:
      "captures of 4s and 16s boards from several projects, the vendor's document; a simulated board on TCP and on a pty",
  },
  {
    ids: ['jbd-up'],
    device: 'JBD UP series rack packs (UP16S), address 1',
    reads: 'as above, and state of health, MOSFET and ambient temperature, serial number',
    proven: 'one published capture',
  },
  {
    ids: ['daly'],
    device: 'Daly "smart BMS", the classic `A5` frames of 13 bytes (2019 to 2023), board number 1',
    reads:
      'voltage, current, charge (own and remaining), cells, temperatures, cycles, FETs, warnings and protections, rated capacity',
    proven:
      "captures of 4s to 18s boards from several projects, one with bytes lost in the middle; alarms, rated capacity and temperatures below zero **built** from the vendor's document",
  },
  {
    ids: ['daly-modbus'],
    device: "newer Daly boards at the fixed Modbus address 0xD2 (`unit: 210`, the driver's default); one to a line",
    reads: 'as `daly`, and MOSFET temperature, balancing, firmware',
    proven: 'captures of 4s, 8s, 16s and 24s boards; several of the alarm captures were edited by their source',
  },
  {
    ids: ['daly-p81'],
    device:
      'Daly H, K, M, S series, ESS packs and active balancers, board number 1. Not Modbus, although it looks like it',
    reads: 'as `daly-modbus`',
    proven: 'captures of one 16s and one 4s board',
  },
  {
    ids: ['jk'],
    device: 'JK (Jikong) BD and B series on the GPS port (`4E57` frames)',
    reads: 'voltage, current, charge, cells, temperatures, MOSFET temperature, cycles, FETs, alarms, firmware',
    proven:
      "captures of 13s, 14s and 16s boards; temperatures below zero, alarms and the older current format **built** from the vendor's text",
  },
  {
    ids: ['jk-pb'],
    device: 'JK PB series and inverter BMS on RS485, protocol 001, DIP address 1',
    reads: 'as `jk`, and remaining and full capacity, state of health, model',
    proven: 'captures of 8s and 16s boards and of the same frame over Bluetooth, in the old layout of 24 cells too',
  },
  {
    ids: ['jk-modbus'],
    device: 'the same PB boards by their Modbus registers; some leave these reads unanswered, prefer `jk-pb`',
    reads: 'as `jk-pb`',
    proven: 'one capture of the settings, the status **built** from the register map',
  },
  {
    ids: ['ve-direct'],
    device:
      "Victron SmartShunt and BMV; from an MPPT and others the battery voltage only. HEX registers of an MPPT are decoded (`holdover decode`), from the vendor's documentation without a capture",
    reads: 'voltage, current, power, charge, time to go, cycles, energy in and out, temperature, alarms',
    proven: "field recordings of a BMV-700, a BlueSolar and a SmartSolar; Victron's documents",
  },
  {
    ids: ['eg4-ll'],
    device: 'EG4 LifePower4 LL',
    reads:
      'voltage, current, charge, health, up to 16 cells, cycles, board temperature. Its alarm bits are shown and raise nothing: their meaning is not published',
    proven: 'one capture',
  },
  {
    ids: ['pylontech-rt'],
    device: 'Pylontech RT series (RT12100 …)',
    reads: 'voltage, current, charge, health, highest and lowest cell and temperature, serial number',
    proven: 'two captures',
  },
  {
    ids: ['pylontech'],
    device:
      'Pylontech US2000, US3000, UP2500, Phantom on RS485: the master (address 2) answers for its whole string, which is one pack',
    line: '9600 with DIP 1 on',
    reads:
      'voltage, summed current and charge, temperatures, cycles, cells of the module with the lowest one, FETs, protections, and that it wants to be charged',
    proven:
      'captures of three US2000, of a mixed string and of a UP2500; alarms, serial number and firmware **built** from the document',
  },
  {
    ids: ['seplos'],
    device: 'Seplos V2 (EMU10xx, EMU11xx) on RS485, address 0',
    line: 'newer boards 19200',
    reads: 'voltage, current, charge, health, cells, temperatures, cycles, balancing, FETs, protections and warnings',
    proven: "captures of 15s and 16s packs, the vendor's document",
  },
  {
    ids: ['seplos-v3'],
    device: 'Seplos V3 (XZH), each pack on its own',
    line: 'a pack at unit 0 only over `modbusTcp`',
    reads: 'as above',
    proven: 'captures of three packs, one of them restored from a log that had replaced bytes',
  },
  {
    ids: ['pace'],
    device: 'Pace BMS (P16S …, PbmsTools) on RS232, pack 1',
    reads: 'voltage, current, charge, cells, temperatures, cycles, FETs, protections and warnings, firmware',
    proven: "captures of a P16S100A, the document's example",
  },
  {
    ids: ['pace-modbus'],
    device: 'Pace BMS on RS485, and what many makers sell with it',
    line: 'older boards 19200',
    reads: 'voltage, current, charge, cells, temperatures, warnings, protections',
    proven: "**built** from the protocol's document; no capture is public",
  },
  {
    ids: ['renogy-battery', 'renogy-battery-pro'],
    device:
      'Renogy lithium batteries; the Pro series tells ten times the current for the same number, so mind which is yours',
    reads: 'voltage, current, charge, cells (to 0.1 V only), temperatures, alarms',
    proven: 'captures',
  },
  {
    ids: ['victron-gx-battery'],
    device:
      'the battery service of a Victron GX: unit 225 for a BMS on the CAN bus, others stand in the list on the GX',
    line: 'to be switched on at the GX',
    reads: 'voltage, current, power, charge, health, temperature, time to go, cycles, alarms',
    proven: "**built** from Victron's register list; no capture is public",
  },
  {
    ids: ['epever-tracer'],
    device: 'EPEver Tracer charge controllers',
    reads: 'of the pack: **voltage and temperature only**, and faults',
    proven: "a recording of a Tracer 2215BN, the vendor's worked example",
  },
  {
    ids: ['renogy-rover'],
    device: 'Renogy Rover, Wanderer and other SRNE charge controllers',
    reads: 'of the pack: **voltage and temperature only**',
    proven: "**built** from another open project's register list",
  },
  {
    ids: ['heltec-modbus'],
    device: 'Heltec Modbus BMS, up to 24 cells',
    reads: 'voltage, current, charge, health, cells, temperatures, FETs, protections',
    proven: "**built** from another open driver's register list; no capture is public",
  },
  {
    ids: ['i2c-sensors', 'ads1115', 'ina219', 'ina226', 'ina228', 'ina3221', 'lm75', 'tmp102'],
    device:
      'a pack without a BMS, watched by chips: `ina219` (up to 26 V), `ina226` (36 V), `ina228` (85 V), `ina3221` (26 V, three channels) on a shunt, `ads1115` behind dividers and Hall sensors, `tmp102` and `lm75` thermometers, `max17040` gauge; [below](#a-pack-without-a-bms)',
    reads: 'what its chips give: voltage, current, cells, temperatures, charge',
    proven:
      'register values **built** from the formulas of public libraries, some asserted by their tests; simulated chips under the real `i2c-bus`, which i2c-tools reads too',
  },
  {
    ids: ['max17040', 'pijuice'],
    device: 'UPS boards for the Raspberry Pi: MAX17040, 17043, 17048, 17049 (Suptronics, Geekworm), PiJuice',
    reads: 'voltage and charge of one cell; the percentage is one of lithium cobalt cells',
    proven: 'as above',
  },
  {
    ids: ['diybms'],
    device:
      "diyBMS v4 cell modules on their ring, with this program **in place of** the controller: two masters on one ring destroy each other's packets. One bank in series, up to 64 cells",
    line: 'the modules are compiled for 2400, 5000, 9600 or 10000: set `baud`',
    reads: 'the sum of all cells as voltage, cells, temperatures, balancing, hot bypasses; no current and no charge',
    proven: "packets **built** from the firmware's sources, a ring in memory; no capture is public",
  },
  {
    ids: ['diybms-current-monitor'],
    device:
      'the current monitor of diyBMS on its own line, without the controller; the firmware with exactly 46 registers',
    reads: 'voltage, current, power, charge, temperature, capacity, alarms',
    proven: "**built** from the controller's sources; no capture is public",
  },
  {
    ids: ['pzem-017'],
    device: 'PZEM-017 DC meter',
    reads: 'of the pack: **voltage only**, its current has no direction',
    proven: '**built** from the diyBMS sources',
  },
  {
    ids: ['sunspec'],
    device: 'a battery with SunSpec models 802 or 713; the list of models is walked once for each connection',
    reads:
      'voltage, current, power, charge, health, cycles, events, maker, serial number. The model does not define the sign of the current: a contradiction with its state is told, see `invertCurrent`',
    proven: '**built** from the published models; no capture is public',
  },
  {
    ids: ['victron-gx-system'],
    device: 'the system service of a Victron GX (unit 100): the battery its own monitor was chosen for',
    line: 'to be switched on at the GX',
    reads: 'voltage, current, power, charge, time to go; consumption, grid and active input are decoded too',
    proven: "**built** from Victron's register list; no capture is public",
  },
  {
    ids: ['growatt-hybrid'],
    device: 'the battery of a Growatt hybrid inverter',
    reads: '**power and charge only**',
    proven:
      "**built** from another open project's register list; the registers are ours to believe, nobody has published an answer",
  },
  {
    ids: ['sdm120'],
    device: 'Eastron SDM120 as it comes, at 2400 baud; set to 9600 it is read as `sdm230`, four times as fast',
    reads: 'as `sdm230`',
    proven: 'as `sdm230`',
  },
  {
    ids: ['sdm230'],
    device: 'Eastron SDM230; SDM120 with the same registers (set it to 9600 baud)',
    reads: 'voltage, current, power, apparent power, power factor, frequency, import and export energy',
    proven: 'worked examples of the vendor; a simulated meter that mbpoll reads',
  },
  {
    ids: ['sdm630'],
    device: 'Eastron SDM630, three phases: wire the circuit of the rack to phase 1, which is what counts here',
    reads: 'as `sdm230`; the other phases and the sums are decoded and shown',
    proven: "from the vendor's documentation, no capture: **built** values",
  },
  {
    ids: ['voltronic'],
    device:
      'Voltronic-style inverter/chargers with PI30 commands (Axpert, MPP Solar, EASUN, Anenji …). PI18 (GS, MOD, FWS) is decoded by `holdover decode`, from the document alone, and not polled',
    line: 'RS232 or a USB serial bridge',
    reads:
      'mains by the grid voltage, input and output, load, battery voltage and current (whole amperes), its charge by voltage, mode, warnings, firmware, serial number',
    proven: 'captures of several units, one with its battery disconnected; one **built** 120 V answer',
  },
  {
    ids: ['victron-gx-vebus'],
    device:
      'an inverter/charger on VE.Bus behind a Victron GX: unit 227 on a Cerbo, 228, 242, 246 on others; what feeds it is asked of unit 100',
    line: 'to be switched on at the GX',
    reads: 'mains by the active input, input and output of the first phase, battery, charge, mode, alarms',
    proven: "**built** from Victron's register list; no capture is public",
  },
];
