/* Prints packets, protocol and VLAN of all records that have them. Argument: the file. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "ipfix.h"
#include "ipfixlolib.h"

static uint64_t packets;
static uint8_t protocol;
static uint16_t vlan;

static void callback(const struct ipfix_template_t *t) {
    (void)t;
    printf("%" PRIu64 " %u %u\n", packets, protocol, vlan);
}

int main(int argc, char **argv) {
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    struct ipfix_template_t *t = ipfix_template_new();
    ipfix_register_placement(t, "packetDeltaCount", &packets, 0);
    ipfix_register_placement(t, "protocolIdentifier", &protocol, 0);
    ipfix_register_placement(t, "vlanId", &vlan, 0);
    ipfix_register_callback(t, callback);
    if (!ipfix_collect_from_file(fd, t)) {
        fprintf(stderr, "%s\n", ipfix_fault());
        return 1;
    }
    ipfix_template_delete(t);
    return close(fd);
}
