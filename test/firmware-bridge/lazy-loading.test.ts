import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

/** Packages that a process has loaded after running `code`, by name. */
function loaded(code: string): string {
  const script = `
    ${code}
    const { createRequire } = await import('node:module');
    console.log(Object.keys(createRequire(import.meta.url).cache ?? {}).join('\\n'));`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
}

describe('the bridge', () => {
  it('loads none of serialport, modbus-serial and i2c-bus by being imported or by making transports', () => {
    const paths = loaded(`
      const bridge = await import('#bridge');
      bridge.modbusRtuExchange(bridge.serialTransport({ path: '/dev/none', line: { baud: 9600 } }));
      bridge.modbusTcpExchange({ host: '127.0.0.1', port: 1 });
      bridge.i2cExchange(bridge.i2cBusAt('/dev/i2c-9999'));`);
    expect(paths).not.toMatch(/node_modules/);
  });

  it('loads serialport when a port is opened (the check above can fail)', () => {
    const paths = loaded(`
      const bridge = await import('#bridge');
      await bridge.serialTransport({ path: '/dev/none', line: { baud: 9600 } }).open().catch(() => {});`);
    expect(paths).toMatch(/serialport/);
  });
});
