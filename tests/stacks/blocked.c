/* Two threads that wait, three calls deep each. It says "ready" once they do, answers each line of its input with
   "still here" and each SIGUSR1 with "signal", and ends with its input. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void say(const char *line) {
    if (write(1, line, strlen(line)) < 0)
        _exit(1);
}

static void on_signal(int number) {
    (void)number;
    say("signal\n");
}

/* The sums keep the compiler from turning calls into jumps. */
__attribute__((noinline)) int innermost(void) {
    return pthread_mutex_lock(&lock) + 1;
}

__attribute__((noinline)) int middle(void) { return innermost() + 1; }

static void *second(void *unused) {
    return middle() ? unused : NULL;
}

__attribute__((noinline)) int answer(void) {
    char letter;
    int lines = 0;
    while (read(0, &letter, 1) > 0)
        if (letter == '\n') {
            say("still here\n");
            lines++;
        }
    return lines + 1;
}

__attribute__((noinline)) int serve(void) { return answer() + 1; }

int main(void) {
    pthread_t thread;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    pthread_mutex_lock(&lock);
    pthread_create(&thread, NULL, second, NULL);
    say("ready\n");
    return serve() > 0 ? 0 : 1;
}
