// netrelay TAP_A TAP_B FILE: relays frames between two TAP devices and holds each back for as many milliseconds as FILE
// says; SIGHUP reads it again. The devices keep their offloads (vnet headers), so that it is fast.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

typedef struct frame {
  struct frame *next;
  int64_t due;
  int length;
  char data[];
} frame;

typedef struct {
  frame *first, *last;
  int64_t bytes;
} queue;

static const int64_t max_queued = 256LL << 20;
static double delay_ms;
static volatile sig_atomic_t reread;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void on_hangup(int signal) {
  (void)signal;
  reread = 1;
}

static void read_delay(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) return;
  if (fscanf(file, "%lf", &delay_ms) != 1) delay_ms = 0;
  fclose(file);
}

static int open_tap(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request)) {
    perror(name);
    exit(1);
  }
  if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)) perror("offloads");
  return fd;
}

static void take(int fd, queue *q) {
  static char buffer[70000];
  for (int i = 0; i < 64; i++) {
    int length = read(fd, buffer, sizeof buffer);
    if (length <= 0) return;
    if (q->bytes > max_queued) continue;
    frame *f = malloc(sizeof *f + length);
    f->next = NULL;
    f->due = now_ns() + (int64_t)(delay_ms * 1e6);
    f->length = length;
    memcpy(f->data, buffer, length);
    if (q->last) q->last->next = f;
    else q->first = f;
    q->last = f;
    q->bytes += length;
  }
}

static void give(int fd, queue *q, int64_t now) {
  while (q->first && q->first->due <= now) {
    frame *f = q->first;
    if (write(fd, f->data, f->length) < 0 && errno == EAGAIN) return;
    q->first = f->next;
    if (!q->first) q->last = NULL;
    q->bytes -= f->length;
    free(f);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  read_delay(argv[3]);
  signal(SIGHUP, on_hangup);
  int fds[2] = {open_tap(argv[1]), open_tap(argv[2])};
  queue out[2] = {{0}}; // out[i] leaves by fds[i]
  puts("ready");
  fflush(stdout);
  for (;;) {
    if (reread) {
      reread = 0;
      read_delay(argv[3]);
    }
    int64_t now = now_ns(), wait = -1;
    for (int i = 0; i < 2; i++) {
      give(fds[i], &out[i], now);
      if (!out[i].first) continue;
      int64_t left = out[i].first->due - now;
      if (left < 0) left = 0;
      if (wait < 0 || left < wait) wait = left;
    }
    struct pollfd polled[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};
    struct timespec timeout = {wait / 1000000000, wait % 1000000000};
    ppoll(polled, 2, wait < 0 ? NULL : &timeout, NULL);
    if (polled[0].revents & POLLIN) take(fds[0], &out[1]);
    if (polled[1].revents & POLLIN) take(fds[1], &out[0]);
  }
}
