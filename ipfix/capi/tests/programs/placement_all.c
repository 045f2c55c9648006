/* Writes values with ipfix.h and reads them again. Argument: the file. */
#include <fcntl.h>
#include <stdio.h>

#include "ipfix.h"

#define CHECK(what)                                                                                                \
    do {                                                                                                           \
        if (!(what)) {                                                                                             \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #what, ipfix_fault());                         \
            exit(1);                                                                                               \
        }                                                                                                          \
    } while (0)

/* Not aligned, as memory need not be. */
static struct {
    uint8_t protocol, mac[6], ipv6[16], is_multicast;
    char odd;
    char octets[8], address[4], port[2];
    float difference;
    double probability;
    int8_t signed8;
    int16_t signed16;
    int32_t signed32;
    int64_t signed64;
    uint32_t seconds;
    uint64_t milliseconds, microseconds;
    struct ipfix_octets name, fixed;
} values, seen;

static unsigned records;

static void set(void) {
    const uint64_t octets = 70000;
    const uint32_t address = 0xc0000201;
    const uint16_t port = 443;
    unsigned i;
    values.protocol = 17;
    memcpy(values.mac, "\002\0\0\0\0\001", 6);
    for (i = 0; i < 16; i++)
        values.ipv6[i] = i == 15;
    memcpy(values.ipv6, "\040\001\015\270", 4);
    values.is_multicast = 1;
    memcpy(values.octets, &octets, 8);
    memcpy(values.address, &address, 4);
    memcpy(values.port, &port, 2);
    values.difference = -0.5f;
    values.probability = 0.25;
    values.signed8 = -8;
    values.signed16 = -16;
    values.signed32 = -32;
    values.signed64 = -64;
    values.seconds = 1700000000;
    values.milliseconds = 1700000000123;
    values.microseconds = 0xe8fe9a00c0000000;
    CHECK(ipfix_octets_assign(&values.name, "eth0", 4));
    CHECK(values.name.octets[4] == 0);
    CHECK(ipfix_octets_assign(&values.fixed, "\001\002\003", 3));
}

static struct ipfix_template_t *all(void *at) {
    /* The memory of the fields of a structure, which is that of values or seen. */
#define PLACE(field) ((char *)at + ((char *)&values.field - (char *)&values))
    struct ipfix_template_t *t = ipfix_template_new();
    CHECK(t != NULL);
    CHECK(ipfix_register_placement(t, "protocolIdentifier", PLACE(protocol), 0));
    CHECK(ipfix_register_placement(t, "sourceMacAddress", PLACE(mac), 0));
    CHECK(ipfix_register_placement(t, "sourceIPv6Address", PLACE(ipv6), 0));
    CHECK(ipfix_register_placement(t, "dataRecordsReliability", PLACE(is_multicast), 0));
    CHECK(ipfix_register_placement(t, "octetDeltaCount[4]", PLACE(octets), 0));
    CHECK(ipfix_register_placement(t, "sourceIPv4Address", PLACE(address), 0));
    CHECK(ipfix_register_placement(t, "sourceTransportPort", PLACE(port), 0));
    CHECK(ipfix_register_placement(t, "difference(4711/9)<float32>", PLACE(difference), 0));
    CHECK(ipfix_register_placement(t, "samplingProbability", PLACE(probability), 4));
    CHECK(ipfix_register_placement(t, "one(4711/1)<signed8>", PLACE(signed8), 0));
    CHECK(ipfix_register_placement(t, "two(4711/2)<signed16>", PLACE(signed16), 1));
    CHECK(ipfix_register_placement(t, "four(4711/4)<signed32>", PLACE(signed32), 3));
    CHECK(ipfix_register_placement(t, "eight(4711/8)<signed64>", PLACE(signed64), 1));
    CHECK(ipfix_register_placement(t, "flowStartSeconds", PLACE(seconds), 0));
    CHECK(ipfix_register_placement(t, "flowStartMilliseconds", PLACE(milliseconds), 0));
    CHECK(ipfix_register_placement(t, "flowStartMicroseconds", PLACE(microseconds), 0));
    CHECK(ipfix_register_placement(t, "interfaceName", PLACE(name), 0));
    CHECK(ipfix_register_placement(t, "ipHeaderPacketSection", PLACE(fixed), 5));
    return t;
}

static void same(void) {
    records++;
    CHECK(memcmp(&values, &seen, offsetof(__typeof__(seen), odd)) == 0);
    CHECK(memcmp(values.octets, seen.octets, 14) == 0);
    CHECK(seen.difference == -0.5f && seen.probability == 0.25);
    CHECK(seen.signed8 == -8 && seen.signed16 == -16 && seen.signed32 == -32 && seen.signed64 == -64);
    CHECK(seen.seconds == values.seconds && seen.milliseconds == values.milliseconds);
    CHECK(seen.microseconds == values.microseconds);
    CHECK(seen.name.length == 4 && strcmp((char *)seen.name.octets, "eth0") == 0);
    CHECK(seen.fixed.length == 5 && memcmp(seen.fixed.octets, "\001\002\003\0\0", 5) == 0);
}

static void callback(const struct ipfix_template_t *t) {
    CHECK(t != NULL);
    same();
}

static unsigned started, ended[2];

static ssize_t a_little(void *context, uint8_t *octets, size_t length) { return read(*(int *)context, octets, length < 7 ? length : 7); }

static int start(void *context, size_t which) {
    CHECK(context != NULL && which < 2);
    started++;
    return 1;
}

static int end(void *context, size_t which) {
    CHECK(context != NULL);
    if (which == 0)
        same();
    ended[which]++;
    return ended[0] < 2000;
}

int main(int argc, char **argv) {
    struct ipfix_placement_exporter_t *exporter;
    struct ipfix_template_t *t, *other, *both[2];
    uint64_t flow = 5;
    int fd, i;
    struct ipfix_collecting how = {NULL, a_little, start, end};

    CHECK(argc == 2);
    how.context = &fd;
    set();

    /* Many of one kind, so that there are several messages, and some of another one between them. */
    fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    exporter = ipfix_placement_exporter_new(fd, 7);
    CHECK(exporter != NULL);
    t = all(&values);
    other = ipfix_template_new();
    CHECK(ipfix_register_placement(other, "flowId", &flow, 0));
    for (i = 0; i < 3000; i++) {
        CHECK(ipfix_place_values(exporter, t));
        if (i % 1000 == 0)
            CHECK(ipfix_place_values(exporter, other));
    }
    ipfix_template_delete(t);
    CHECK(ipfix_placement_exporter_flush(exporter));
    CHECK(ipfix_placement_exporter_delete(exporter));

    t = all(&seen);
    CHECK(ipfix_register_callback(t, callback));
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(ipfix_collect_from_file(fd, t));
    CHECK(records == 3000);

    /* The first template that fits has the record; the program may stop. */
    both[0] = t;
    both[1] = other;
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(!ipfix_collect(&how, both, 2));
    CHECK(ended[0] == 2000 && ended[1] == 2 && started == 2002);
    CHECK(flow == 5);
    CHECK(close(fd) == 0);
    ipfix_template_delete(t);
    ipfix_template_delete(other);
    ipfix_octets_free(&values.name);
    ipfix_octets_free(&values.fixed);
    ipfix_octets_free(&seen.name);
    ipfix_octets_free(&seen.fixed);
    CHECK(seen.fixed.octets == NULL);
    return 0;
}
