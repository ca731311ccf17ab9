/* The smallest client: logs in with a token, posts one line, and waits for the confirmation. It checks only what the
 * measurement needs, and is not an example of how to write a client. */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char input[4096];
static size_t length;

/* Reads until the input contains these words. */
static void await_words(int connection, const char *words)
{
    while (!strstr(input, words)) {
        ssize_t count = read(connection, input + length, sizeof input - 1 - length);
        if (count <= 0)
            exit(1);
        length += (size_t)count;
        input[length] = 0;
    }
}

static void say(int connection, const char *line, const char *end)
{
    char bytes[1024];
    int count = snprintf(bytes, sizeof bytes, "%s%s", line, end);
    if (count < 0 || (size_t)count >= sizeof bytes || write(connection, bytes, (size_t)count) != count)
        exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])) };
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int connection = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (connection < 0 || connect(connection, (struct sockaddr *)&server, sizeof server) != 0)
        return 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    await_words(connection, "personal hash");
    say(connection, argv[2], "\n");
    await_words(connection, "Welcome to chat!");
    say(connection, argv[3], "\n\n");
    await_words(connection, "Message send.");
    return 0;
}
