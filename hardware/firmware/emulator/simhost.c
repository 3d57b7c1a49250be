/* An Arduino Uno on this computer: runs the flashed program in simavr, its serial port on a pty.
 *
 * simhost ELF LOG [EEPROM]: prints the pty's name, then takes commands on standard input and writes
 * every pin's change to LOG, one line each: `o CYCLE PIN LEVEL` for outputs, `i …` for inputs,
 * `r CYCLE` for a restart. It ends with its input, and with its parent.
 *
 *   set PIN LEVEL                       now
 *   at CYCLE PIN LEVEL                  at that cycle, or now if it is over
 *   train PIN COUNT PERIOD_US HIGH_US   pulses, from now
 *   wire OUTPUT INPUT DELAY_US          the input follows the output
 *   skew PPM                            the board's clock against this computer's
 *   reset                               by the reset line
 *   hang INTERRUPTS                     the program stands still, interrupts on (1) or off (0)
 *   freeze / thaw                       the board stands still, its clock as well
 *   cycle                               prints `cycle CYCLE`
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <simavr/avr_eeprom.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_cycle_timers.h>
#include <simavr/sim_elf.h>

#define FREQUENCY 16000000
#define PINS 20
#define SLICE 400          /* cycles, 25 us: how far the board may be ahead of this computer */
#define BYTE_CYCLES 320    /* of one byte at 500 kbaud */
#define MCUSR_AT 0x54
#define EXTERNAL_RESET 2
#define QUEUE 65536
#define EVENTS 65536
#define LATE_NS 2000000000ULL

/* Two jumps, to each other: simavr ends at one to itself with interrupts off. */
static const unsigned char stand_still[] = {0x00, 0xC0, 0xFE, 0xCF};

struct change {
    avr_cycle_count_t cycle;
    int pin, level;
};

static avr_t *avr;
static FILE *record;
static int pty;
static avr_irq_t *pins[PINS];
static int levels[PINS];
static int wired_to[PINS];
static avr_cycle_count_t wire_delay[PINS];
static unsigned char queue[QUEUE];
static unsigned queue_put, queue_taken;
static unsigned char sent[QUEUE];
static unsigned sent_put, sent_taken;
static struct change changes[EVENTS]; /* a heap by cycle */
static int change_count;
static bool feeding, frozen;
static long hung_at = -1;
static unsigned char hung_was[sizeof stand_still];
static double skew_ppm;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "simhost: %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool before(int a, int b) { return changes[a].cycle < changes[b].cycle; }

static void swap(int a, int b) {
    struct change held = changes[a];
    changes[a] = changes[b];
    changes[b] = held;
}

static void push(avr_cycle_count_t cycle, int pin, int level) {
    if (change_count == EVENTS) {
        fprintf(stderr, "simhost: more than %d changes ahead\n", EVENTS);
        exit(1);
    }
    int at = change_count++;
    changes[at] = (struct change){cycle, pin, level};
    for (; at > 0 && before(at, (at - 1) / 2); at = (at - 1) / 2)
        swap(at, (at - 1) / 2);
}

static void pop(void) {
    changes[0] = changes[--change_count];
    for (int at = 0, least;; at = least) {
        int left = 2 * at + 1, right = left + 1;
        least = at;
        if (left < change_count && before(left, least))
            least = left;
        if (right < change_count && before(right, least))
            least = right;
        if (least == at)
            return;
        swap(at, least);
    }
}

static void set_pin(int pin, int level) {
    if (levels[pin] == level)
        return;
    levels[pin] = level;
    fprintf(record, "i %llu %d %d\n", (unsigned long long)avr->cycle, pin, level);
    avr_raise_irq(pins[pin], (uint32_t)level);
}

static avr_cycle_count_t change_due(avr_t *of, avr_cycle_count_t when, void *unused) {
    (void)when, (void)unused;
    /* one at a time: two changes of one pin in one slice would cancel */
    if (change_count > 0 && changes[0].cycle <= of->cycle) {
        int pin = changes[0].pin, level = changes[0].level;
        pop();
        set_pin(pin, level);
    }
    if (change_count == 0)
        return 0;
    avr_cycle_count_t soonest = of->cycle + 16;
    return changes[0].cycle > soonest ? changes[0].cycle : soonest;
}

static void schedule(avr_cycle_count_t cycle, int pin, int level) {
    push(cycle, pin, level);
    avr_cycle_timer_cancel(avr, change_due, NULL);
    avr_cycle_count_t due = changes[0].cycle;
    avr_cycle_timer_register(avr, due > avr->cycle ? due - avr->cycle : 1, change_due, NULL);
}

static void output_changed(struct avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq;
    int pin = (int)(intptr_t)param;
    int level = (int)(value & 1);
    if (levels[pin] == level)
        return; /* what set_pin has raised comes by here, too */
    levels[pin] = level;
    fprintf(record, "o %llu %d %d\n", (unsigned long long)avr->cycle, pin, level);
    if (wired_to[pin] >= 0)
        schedule(avr->cycle + wire_delay[pin] + 1, wired_to[pin], level);
}

/* What the reader hasn't taken yet: a host that is busy for a moment loses nothing. What a full
 * queue can't hold is lost, as on a cable. */
static void flush_sent(void) {
    while (sent_taken != sent_put) {
        unsigned from = sent_taken % QUEUE;
        unsigned count = sent_put - sent_taken;
        if (from + count > QUEUE)
            count = QUEUE - from;
        ssize_t done = write(pty, sent + from, count);
        if (done < 0 && (errno == EAGAIN || errno == EIO))
            return;
        if (done < 0)
            die("writing to the pty");
        sent_taken += (unsigned)done;
    }
}

static void byte_sent(struct avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq, (void)param;
    if (sent_put - sent_taken < QUEUE)
        sent[sent_put++ % QUEUE] = (unsigned char)value;
    flush_sent();
}

static avr_cycle_count_t feed(avr_t *of, avr_cycle_count_t when, void *param) {
    (void)of, (void)param;
    if (queue_put == queue_taken) {
        feeding = false;
        return 0;
    }
    unsigned char byte = queue[queue_taken++ % QUEUE];
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT), byte);
    return when + BYTE_CYCLES;
}

static void read_pty(void) {
    unsigned char bytes[256];
    ssize_t count = read(pty, bytes, sizeof bytes);
    for (ssize_t at = 0; at < count; at++)
        if (queue_put - queue_taken < QUEUE)
            queue[queue_put++ % QUEUE] = bytes[at];
    if (!feeding && queue_put != queue_taken) {
        feeding = true;
        avr_cycle_timer_register(avr, 1, feed, NULL); /* simavr adds the byte's time */
    }
}

static avr_cycle_count_t no_longer_sleep(avr_t *of, avr_cycle_count_t when, void *param) {
    (void)of, (void)param;
    return when + SLICE; /* keeps a sleeping board from running ahead */
}

static void no_sleep(avr_t *of, avr_cycle_count_t cycles) { (void)of, (void)cycles; }

static void restarted(void) {
    fprintf(record, "r %llu\n", (unsigned long long)avr->cycle);
    for (int pin = 0; pin < PINS; pin++) {
        /* a pin that is no output any more is low, by its pull-down */
        if (levels[pin] && wired_to[pin] != -2) {
            levels[pin] = 0;
            fprintf(record, "o %llu %d 0\n", (unsigned long long)avr->cycle, pin);
        }
    }
    if (hung_at >= 0) {
        memcpy(avr->flash + hung_at, hung_was, sizeof hung_was);
        hung_at = -1;
    }
    avr_cycle_timer_cancel(avr, no_longer_sleep, NULL);
    avr_cycle_timer_cancel(avr, change_due, NULL);
    avr_cycle_timer_cancel(avr, feed, NULL);
    queue_taken = queue_put;
    feeding = false;
    avr_cycle_timer_register(avr, SLICE, no_longer_sleep, NULL);
    if (change_count > 0)
        avr_cycle_timer_register(avr, 1, change_due, NULL);
    for (int pin = 0; pin < PINS; pin++)
        if (levels[pin])
            avr_raise_irq(pins[pin], 1);
}

static void reset_line(void) {
    avr_reset(avr);
    avr->data[MCUSR_AT] |= EXTERNAL_RESET;
    restarted();
}

static void hang(int interrupts) {
    if (hung_at >= 0)
        return;
    hung_at = (long)avr->pc;
    memcpy(hung_was, avr->flash + hung_at, sizeof hung_was);
    memcpy(avr->flash + hung_at, stand_still, sizeof stand_still);
    avr->sreg[S_I] = (uint8_t)(interrupts != 0);
    avr->state = cpu_Running; /* it may have slept */
}

static bool is_pin(int pin) { return pin >= 0 && pin < PINS; }

static void command(const char *line) {
    unsigned long long cycle;
    int pin, other, level;
    long count;
    double period_us, high_us;
    if (sscanf(line, "set %d %d", &pin, &level) == 2 && is_pin(pin)) {
        wired_to[pin] = -2;
        schedule(avr->cycle, pin, level != 0);
    } else if (sscanf(line, "at %llu %d %d", &cycle, &pin, &level) == 3 && is_pin(pin)) {
        wired_to[pin] = -2;
        schedule(cycle, pin, level != 0);
    } else if (sscanf(line, "train %d %ld %lf %lf", &pin, &count, &period_us, &high_us) == 4 &&
               is_pin(pin)) {
        wired_to[pin] = -2;
        for (long at = 0; at < count; at++) {
            avr_cycle_count_t from = avr->cycle + (avr_cycle_count_t)((double)at * period_us * 16);
            schedule(from, pin, 1);
            schedule(from + (avr_cycle_count_t)(high_us * 16), pin, 0);
        }
    } else if (sscanf(line, "wire %d %d %lf", &pin, &other, &period_us) == 3 && is_pin(pin) &&
               is_pin(other)) {
        wired_to[pin] = other;
        wired_to[other] = -2;
        wire_delay[pin] = (avr_cycle_count_t)(period_us * 16);
    } else if (sscanf(line, "skew %lf", &skew_ppm) == 1) {
        return;
    } else if (sscanf(line, "hang %d", &level) == 1) {
        hang(level);
    } else if (strncmp(line, "reset", 5) == 0) {
        reset_line();
    } else if (strncmp(line, "freeze", 6) == 0) {
        frozen = true;
    } else if (strncmp(line, "thaw", 4) == 0) {
        frozen = false;
    } else if (strncmp(line, "cycle", 5) == 0) {
        fflush(record);
        printf("cycle %llu\n", (unsigned long long)avr->cycle);
    } else {
        printf("unknown %s", line);
    }
}

static void read_commands(void) {
    static char text[4096];
    static size_t length;
    struct pollfd ready = {STDIN_FILENO, POLLIN, 0};
    while (poll(&ready, 1, 0) > 0) {
        ssize_t count = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
        if (count <= 0)
            exit(0);
        length += (size_t)count;
        text[length] = 0;
        for (char *end; (end = strchr(text, '\n')) != NULL;) {
            char rest[sizeof text];
            strcpy(rest, end + 1);
            end[1] = 0;
            command(text);
            strcpy(text, rest);
            length = strlen(text);
        }
    }
}

static void open_pty(void) {
    int slave;
    struct termios raw;
    char name[128];
    if (openpty(&pty, &slave, name, NULL, NULL) < 0)
        die("opening a pty");
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    /* the slave stays open here, so that the pty outlives those who use it */
    fcntl(pty, F_SETFL, O_NONBLOCK);
    printf("pty %s\n", name);
}

static void connect_board(void) {
    uint32_t flags = 0;
    avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POOL_SLEEP);
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT),
                            byte_sent, NULL);
    for (int pin = 0; pin < PINS; pin++) {
        char port = pin < 8 ? 'D' : pin < 14 ? 'B' : 'C';
        int bit = pin < 8 ? pin : pin < 14 ? pin - 8 : pin - 14;
        wired_to[pin] = -1;
        pins[pin] = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port), bit);
        avr_irq_register_notify(pins[pin], output_changed, (void *)(intptr_t)pin);
    }
    avr->sleep = no_sleep;
    avr_cycle_timer_register(avr, SLICE, no_longer_sleep, NULL);
}

static void load(const char *path) {
    elf_firmware_t firmware;
    memset(&firmware, 0, sizeof firmware);
    if (elf_read_firmware(path, &firmware) != 0)
        die(path);
    avr = avr_make_mcu_by_name("atmega328p");
    if (avr == NULL)
        die("making an atmega328p");
    avr_init(avr);
    avr->log = LOG_ERROR;
    firmware.frequency = FREQUENCY;
    avr_load_firmware(avr, &firmware);
    avr->frequency = FREQUENCY;
}

#define EEPROM_BYTES 1023 /* of 1024: simavr refuses the last one */
#define EEPROM_LOOK_NS 20000000

static const char *eeprom_path;
static uint8_t kept[EEPROM_BYTES];
static volatile sig_atomic_t told_to_end;

static void load_eeprom(void) {
    avr_eeprom_desc_t all = {.ee = kept, .offset = 0, .size = sizeof kept};
    FILE *file = eeprom_path == NULL ? NULL : fopen(eeprom_path, "rb");
    if (file == NULL)
        return;
    if (fread(kept, 1, sizeof kept, file) == sizeof kept)
        avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &all);
    fclose(file);
}

/* What the program writes is kept soon after, and the file is there whole or as it was: a boot
 * number that comes again after a kill would be taken for another board's. */
static void keep_eeprom(void) {
    uint8_t bytes[EEPROM_BYTES];
    char partial[4096];
    avr_eeprom_desc_t all = {.ee = bytes, .offset = 0, .size = sizeof bytes};
    if (eeprom_path == NULL)
        return;
    if (avr_ioctl(avr, AVR_IOCTL_EEPROM_GET, &all) == -2) { /* it answers -1 to what it has done */
        fprintf(stderr, "simhost: the EEPROM can't be read\n");
        exit(1);
    }
    if (memcmp(bytes, kept, sizeof kept) == 0)
        return;
    snprintf(partial, sizeof partial, "%s.partial", eeprom_path);
    FILE *file = fopen(partial, "wb");
    if (file == NULL)
        return;
    bool written = fwrite(bytes, 1, sizeof bytes, file) == sizeof bytes;
    if (fclose(file) == 0 && written && rename(partial, eeprom_path) == 0)
        memcpy(kept, bytes, sizeof kept);
}

static void at_exit(void) {
    keep_eeprom();
    fflush(record);
}

static void on_signal(int number) {
    (void)number;
    told_to_end = 1;
}

static void run(void) {
    uint64_t last_ns = now_ns();
    uint64_t looked_ns = last_ns;
    double target = (double)avr->cycle;
    while (!told_to_end) {
        read_commands();
        uint64_t now = now_ns();
        if (now - looked_ns > EEPROM_LOOK_NS) {
            looked_ns = now;
            keep_eeprom();
        }
        uint64_t passed = now - last_ns;
        last_ns = now;
        if (frozen || passed > LATE_NS) /* this computer slept: so did the board */
            passed = 0;
        target += (double)passed * 0.016 * (1 + skew_ppm * 1e-6);
        read_pty();
        flush_sent();
        if ((double)avr->cycle >= target) {
            struct pollfd ready[2] = {{pty, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
            struct timespec little = {0, frozen ? 2000000 : 5000};
            fflush(record);
            ppoll(ready, 2, &little, NULL);
            continue;
        }
        avr_cycle_count_t until = avr->cycle + SLICE;
        while (avr->cycle < until) {
            int state = avr_run(avr);
            if (state == cpu_Done || state == cpu_Crashed) {
                fprintf(stderr, "simhost: the program has crashed at %#x\n", avr->pc);
                exit(1);
            }
            if (avr->pc == 0) {
                restarted();
                avr_run(avr);
            }
        }
    }
}

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: simhost ELF LOG [EEPROM]\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1000); /* ns: it sleeps for tens of us */
    signal(SIGTERM, on_signal);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the program that uses it, and has to switch off first */
    setvbuf(stdout, NULL, _IOLBF, 0);
    record = fopen(arguments[2], "w");
    if (record == NULL)
        die(arguments[2]);
    load(arguments[1]);
    eeprom_path = count > 3 ? arguments[3] : NULL;
    load_eeprom();
    atexit(at_exit);
    connect_board();
    open_pty();
    run();
}
