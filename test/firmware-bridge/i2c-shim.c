/*
 * Chips on an I2C bus that is not there, for LD_PRELOAD: the calls of a program to one /dev/i2c-N end here. What the
 * chips hold is in a file (I2C_SHIM_STATE) that the test writes while the program runs; its form is told in i2c-shim.ts.
 *
 * Kinds of chips: registers of a width of their own behind a pointer (INA, ADS1115, TMP102), bytes that follow each
 * other (TPS23861), words behind addresses of two bytes (PD690xx), a multiplexer (TCA9548A), and ways to fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { ABSENT, WORDS, BYTES, WIDE, MUX, SILENT_REMOTE, HELD, TAKEN };
enum behaviour { PLAIN, CONVERTER, PSE };

struct chip {
  uint8_t kind, behaviour, pad[14];
  uint8_t width[256];
  uint8_t data[256][8];
  uint8_t wide[0x2000];
};

#define BANKS 9 /* the bus itself, then what is behind each channel of a multiplexer */
struct state {
  uint32_t reads, writes; /* calls; writes are those with data behind the register's number */
  uint8_t pad[4088];
  struct chip chips[BANKS][128];
};

static struct state *state;
static const char *bus_path;
static uint16_t address_of[1024];
static uint8_t is_ours[1024], pointer_of[BANKS][128];
static uint16_t wide_pointer_of[BANKS][128];

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_ioctl)(int, unsigned long, ...);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off64_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);

__attribute__((constructor)) static void set_up(void) {
  real_open = dlsym(RTLD_NEXT, "open64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_ioctl = dlsym(RTLD_NEXT, "ioctl");
  real_read = dlsym(RTLD_NEXT, "read");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pread = dlsym(RTLD_NEXT, "pread64");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  bus_path = getenv("I2C_SHIM_BUS");
  const char *path = getenv("I2C_SHIM_STATE");
  if (bus_path == NULL || path == NULL) return;
  int fd = real_open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  real_close(fd);
  if (mapped != MAP_FAILED) state = mapped;
}

static int ours(int fd) { return state != NULL && fd >= 0 && fd < 1024 && is_ours[fd]; }

/* The bank in which a chip answers: on the bus itself, else behind an open channel of a multiplexer; -1: none. */
static int bank_of(int address) {
  if (state->chips[0][address].kind != ABSENT) return 0;
  for (int mux = 0x70; mux <= 0x77; mux++) {
    if (state->chips[0][mux].kind != MUX) continue;
    for (int channel = 0; channel < 8; channel++)
      if ((state->chips[0][mux].data[0][0] >> channel & 1) && state->chips[channel + 1][address].kind != ABSENT)
        return channel + 1;
  }
  return -1;
}

/* Registers 16..23 of a converter are what its inputs would say. */
static void convert(struct chip *chip) {
  unsigned config = chip->data[1][0] << 8 | chip->data[1][1];
  memcpy(chip->data[0], chip->data[16 + (config >> 12 & 7)], 2);
  chip->data[1][0] |= 0x80;
}

/* What a PSE does with its buttons. 0xC0.. holds the figures of a port that delivers, 0xE0 which ports have a load. */
static void press(struct chip *chip, int at, uint8_t value) {
  for (int port = 0; port < 4; port++) {
    int on = at == 0x18 && (value >> port & 1), off = at == 0x19 && (value >> (port + 4) & 1);
    uint8_t both = 0x11 << port;
    if (off) {
      chip->data[0x10][0] &= ~both;
      chip->data[0x14][0] &= ~both;
    }
    if (on) chip->data[0x14][0] |= both;
    int automatic = (chip->data[0x12][0] >> (2 * port) & 3) == 3;
    if (on && automatic && (chip->data[0xe0][0] >> port & 1)) chip->data[0x10][0] |= both;
    if (on || off)
      for (int byte = 0; byte < 4; byte++)
        chip->data[0x30 + 4 * port + byte][0] =
            (chip->data[0x10][0] >> port & 1) ? chip->data[0xc0 + 4 * port + byte][0] : 0;
  }
}

static int failing(int bank, int address) {
  if (bank < 0) return ENXIO;
  switch (state->chips[bank][address].kind) {
    case SILENT_REMOTE: return EREMOTEIO;
    case HELD: return ETIMEDOUT;
    default: return 0;
  }
}

static int chip_write(int address, const uint8_t *bytes, size_t length) {
  int bank = bank_of(address), error = failing(bank, address);
  if (error) return error;
  struct chip *chip = &state->chips[bank][address];
  if (length == 0) return 0;
  if (chip->kind == MUX) {
    chip->data[0][0] = bytes[0];
    return 0;
  }
  if (chip->kind == WIDE) {
    if (length < 2) return EIO;
    uint16_t at = (bytes[0] << 8 | bytes[1]) & 0x1fff;
    wide_pointer_of[bank][address] = at;
    if (length > 2) state->writes++;
    for (size_t i = 2; i < length; i++) chip->wide[(at + i - 2) & 0x1fff] = bytes[i];
    return 0;
  }
  uint8_t at = pointer_of[bank][address] = bytes[0];
  if (length > 1) state->writes++;
  for (size_t i = 1; i < length && i <= 8; i++) {
    if (chip->kind == BYTES) {
      chip->data[(uint8_t)(at + i - 1)][0] = bytes[i];
      if (chip->behaviour == PSE) press(chip, (uint8_t)(at + i - 1), bytes[i]);
    } else {
      chip->data[at][i - 1] = bytes[i];
    }
  }
  if (chip->behaviour == CONVERTER && length == 3 && at == 1 && (bytes[1] & 0x80)) convert(chip);
  return 0;
}

static int chip_read(int address, uint8_t *bytes, size_t length) {
  int bank = bank_of(address), error = failing(bank, address);
  if (error) return error;
  struct chip *chip = &state->chips[bank][address];
  state->reads++;
  for (size_t i = 0; i < length; i++) {
    uint8_t at = pointer_of[bank][address];
    if (chip->kind == WIDE) bytes[i] = chip->wide[(wide_pointer_of[bank][address] + i) & 0x1fff];
    else if (chip->kind == BYTES) bytes[i] = chip->data[(uint8_t)(at + i)][0];
    else if (chip->kind == MUX) bytes[i] = chip->data[0][0];
    else bytes[i] = i < chip->width[at] ? chip->data[at][i] : 0xff;
  }
  return 0;
}

static int result(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

static int smbus(int address, struct i2c_smbus_ioctl_data *call) {
  uint8_t out[40];
  int reading = call->read_write == I2C_SMBUS_READ, error;
  size_t length = 0;
  out[0] = call->command;
  switch (call->size) {
    case I2C_SMBUS_QUICK: return chip_write(address, out, 0);
    case I2C_SMBUS_BYTE: return reading ? chip_read(address, &call->data->byte, 1) : chip_write(address, out, 1);
    case I2C_SMBUS_BYTE_DATA: length = 1; break;
    case I2C_SMBUS_WORD_DATA: length = 2; break;
    case I2C_SMBUS_I2C_BLOCK_DATA:
    case I2C_SMBUS_I2C_BLOCK_BROKEN: length = call->data->block[0]; break;
    default: return EOPNOTSUPP;
  }
  if (length > 32) return EINVAL;
  /* A word has its low byte first, which is how it lies in memory here. */
  uint8_t *data = length <= 2 && call->size != I2C_SMBUS_I2C_BLOCK_DATA ? (uint8_t *)call->data : call->data->block + 1;
  if (call->size == I2C_SMBUS_I2C_BLOCK_DATA || call->size == I2C_SMBUS_I2C_BLOCK_BROKEN) data = call->data->block + 1;
  if (!reading) {
    memcpy(out + 1, data, length);
    return chip_write(address, out, length + 1);
  }
  error = chip_write(address, out, 1);
  return error ? error : chip_read(address, data, length);
}

static int open_bus(const char *path) {
  (void)path;
  int fd = real_open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd < 0 || fd >= 1024) return fd;
  is_ours[fd] = 1;
  address_of[fd] = 0;
  return fd;
}

static int is_bus(const char *path) { return state != NULL && path != NULL && strcmp(path, bus_path) == 0; }

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return is_bus(path) ? open_bus(path) : real_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return is_bus(path) ? open_bus(path) : real_open(path, flags, mode);
}

int close(int fd) {
  if (ours(fd)) is_ours[fd] = 0;
  return real_close(fd);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  if (!ours(fd)) return real_ioctl(fd, request, argument);
  switch (request) {
    case I2C_SLAVE:
      if (state->chips[0][(uintptr_t)argument & 0x7f].kind == TAKEN) return result(EBUSY);
      /* fall through */
    case I2C_SLAVE_FORCE:
      address_of[fd] = (uintptr_t)argument & 0x7f;
      return 0;
    case I2C_FUNCS:
      *(unsigned long *)argument = I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
      return 0;
    case I2C_SMBUS: return result(smbus(address_of[fd], argument));
    case I2C_RDWR: {
      struct i2c_rdwr_ioctl_data *call = argument;
      for (unsigned i = 0; i < call->nmsgs; i++) {
        struct i2c_msg *message = &call->msgs[i];
        int error = message->flags & I2C_M_RD ? chip_read(message->addr, message->buf, message->len)
                                              : chip_write(message->addr, message->buf, message->len);
        if (error) return result(error);
      }
      return call->nmsgs;
    }
    default: return 0;
  }
}

ssize_t read(int fd, void *bytes, size_t length) {
  if (!ours(fd)) return real_read(fd, bytes, length);
  return result(chip_read(address_of[fd], bytes, length)) ? -1 : (ssize_t)length;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  if (!ours(fd)) return real_write(fd, bytes, length);
  return result(chip_write(address_of[fd], bytes, length)) ? -1 : (ssize_t)length;
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) {
  return ours(fd) ? read(fd, bytes, length) : real_pread(fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  return ours(fd) ? write(fd, bytes, length) : real_pwrite(fd, bytes, length, at);
}
