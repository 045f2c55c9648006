/* Sends a record of a data template for each line of its input: the number that the line says. Argument: the port of a collector of TCP. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "ipfixlolib.h"

#define WORKS(what)                                                                                                \
    do {                                                                                                           \
        if ((what) != 0) {                                                                                         \
            fprintf(stderr, "%s (%s)\n", #what, ipfix_fault());                                                    \
            exit(1);                                                                                               \
        }                                                                                                          \
    } while (0)

int main(int argc, char **argv) {
    ipfix_exporter *exporter;
    const uint8_t protocol = 6;
    char line[100];

    WORKS(argc != 2);
    WORKS(ipfix_init_exporter(12345, &exporter));
    WORKS(ipfix_add_collector(exporter, "127.0.0.1", atoi(argv[1]), TCP));
    WORKS(ipfix_start_datatemplate_set(exporter, 256, 1, 1));
    WORKS(ipfix_put_template_field(exporter, 256, 2, 4, 0));
    WORKS(ipfix_put_template_fixedfield(exporter, 256, 4, 1, 0));
    WORKS(ipfix_put_template_data(exporter, 256, &protocol, 1));
    WORKS(ipfix_end_template_set(exporter, 256));
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint32_t packets = htonl((uint32_t)atoi(line));
        WORKS(ipfix_start_data_set(exporter, htons(256)));
        WORKS(ipfix_put_data_field(exporter, &packets, 4));
        WORKS(ipfix_end_data_set(exporter, 1));
        WORKS(ipfix_send(exporter));
        printf("sent\n");
        fflush(stdout);
    }
    WORKS(ipfix_deinit_exporter(exporter));
    return 0;
}
