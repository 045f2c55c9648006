/* Goes through all of ipfixlolib.h. Arguments: the port of a collector of UDP, and of one of TCP. C99 and C++11 alike. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipfixlolib.h"

#define CHECK(what)                                                                                                \
    do {                                                                                                           \
        if (!(what)) {                                                                                             \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #what, ipfix_fault());                         \
            exit(1);                                                                                               \
        }                                                                                                          \
    } while (0)
#define WORKS(what) CHECK((what) == 0)
#define FAILS(what) CHECK((what) == -1 && ipfix_fault()[0] != 0)

static uint16_t element(const char *name) {
    int id = ipfix_name_lookup(name);
    CHECK(id > 0);
    return (uint16_t)id;
}

static void look_up(void) {
    struct ipfix_identifier *identifier = ipfix_id_lookup(1);
    CHECK(identifier != NULL && identifier->id == 1 && identifier->length == 8);
    CHECK(strcmp(identifier->name, "octetDeltaCount") == 0);
    CHECK(ipfix_name_lookup("octetDeltaCount") == 1);
    CHECK(ipfix_name_lookup("OCTETDELTACOUNT") == 1);
    identifier = ipfix_id_lookup(82);
    CHECK(identifier != NULL && strcmp(identifier->name, "interfaceName") == 0 && identifier->length == 0);
    CHECK(ipfix_id_lookup(27)->length == 16);
    CHECK(ipfix_name_lookup("nothing") == -1);
    CHECK(ipfix_name_lookup("reverseOctetDeltaCount") == -1);
    CHECK(ipfix_id_lookup(0) == NULL && ipfix_id_lookup(-1) == NULL && ipfix_id_lookup(70000) == NULL);
    CHECK(!ipfix_id_rangecheck(0) && !ipfix_id_rangecheck(-5) && !ipfix_id_rangecheck(32768));
    CHECK(ipfix_id_rangecheck(1) && ipfix_id_rangecheck(214) && ipfix_id_rangecheck(329));
}

static void define_templates(ipfix_exporter *exporter) {
    const uint8_t protocol = 17;
    const uint16_t vlan = htons(42);

    WORKS(ipfix_start_template_set(exporter, 256, 3));
    WORKS(ipfix_put_template_field(exporter, 256, element("sourceIPv4Address"), 4, 0));
    WORKS(ipfix_put_template_field(exporter, 256, element("destinationIPv4Address"), 4, 0));
    WORKS(ipfix_put_template_field(exporter, 256, element("octetDeltaCount"), 4, 0));
    WORKS(ipfix_end_template_set(exporter, 256));

    /* Of variable length, and of an enterprise; the bit that says so may be there. */
    WORKS(ipfix_start_template_set(exporter, 257, 2));
    WORKS(ipfix_put_template_field(exporter, 257, element("interfaceName"), 65535, 0));
    WORKS(ipfix_put_template_field(exporter, 257, 900 | 0x8000, 4, 8057));
    WORKS(ipfix_end_template_set(exporter, 257));

    /* Scope: meteringProcessId, 4 octets; options: exportedFlowRecordTotalCount, 8 octets. */
    WORKS(ipfix_start_optionstemplate_set(exporter, 258, 4, 8));
    WORKS(ipfix_put_template_field(exporter, 258, element("meteringProcessId"), 4, 0));
    WORKS(ipfix_put_template_field(exporter, 258, element("exportedFlowRecordTotalCount"), 8, 0));
    WORKS(ipfix_end_template_set(exporter, 258));

    WORKS(ipfix_start_datatemplate_set(exporter, 259, 1, 2));
    WORKS(ipfix_put_template_field(exporter, 259, element("packetDeltaCount"), 2, 0));
    WORKS(ipfix_put_template_fixedfield(exporter, 259, element("protocolIdentifier"), 1, 0));
    WORKS(ipfix_put_template_fixedfield(exporter, 259, element("vlanId"), 2, 0));
    WORKS(ipfix_put_template_data(exporter, 259, &protocol, 1));
    WORKS(ipfix_put_template_data(exporter, 259, &vlan, 2));
    WORKS(ipfix_end_template_set(exporter, 259));
}

/* Two sets of two records each; what is deleted and cancelled must not be seen, what is changed before the sending must. */
static void send_plain(ipfix_exporter *exporter) {
    uint32_t source = inet_addr("192.0.2.1"), destination = inet_addr("198.51.100.2"), octets = htonl(1111);
    uint32_t wrong[3] = {0xffffffff, 0xffffffff, 0xffffffff}, whole[6];
    int set;

    for (set = 0; set < 2; set++) {
        WORKS(ipfix_start_data_set(exporter, htons(256)));
        ipfix_put_data_field(exporter, &source, 4);
        ipfix_put_data_field(exporter, &destination, 4);
        ipfix_put_data_field(exporter, &octets, 4);
        WORKS(ipfix_set_data_field_marker(exporter));
        ipfix_put_data_field(exporter, wrong, 12);
        WORKS(ipfix_delete_data_fields_upto_marker(exporter));
        ipfix_put_data_field(exporter, whole, 12);
        WORKS(ipfix_end_data_set(exporter, 2));
    }
    WORKS(ipfix_start_data_set(exporter, htons(256)));
    ipfix_put_data_field(exporter, wrong, sizeof wrong);
    WORKS(ipfix_cancel_data_set(exporter));
    CHECK(ipfix_get_remaining_space(exporter) == 1400 - 16 - 2 * (4 + 24) - 4);
    whole[0] = inet_addr("192.0.2.3");
    whole[1] = inet_addr("198.51.100.4");
    whole[2] = htonl(2222);
    WORKS(ipfix_send(exporter));
    CHECK(ipfix_get_remaining_space(exporter) == 1400 - 16 - 4);
}

static void send_others(ipfix_exporter *exporter) {
    const char name[] = "\004eth0\0\0\0\007\377\0\003wan\0\0\0\010";
    const uint32_t process = htonl(5);
    const uint32_t flows[2] = {0, htonl(77)};
    const uint16_t packets[3] = {htons(101), htons(102), htons(103)};

    WORKS(ipfix_start_data_set(exporter, htons(257)));
    ipfix_put_data_field(exporter, name, sizeof name - 1);
    WORKS(ipfix_end_data_set(exporter, 2));
    WORKS(ipfix_start_data_set(exporter, htons(258)));
    ipfix_put_data_field(exporter, &process, 4);
    ipfix_put_data_field(exporter, flows, 8);
    WORKS(ipfix_end_data_set(exporter, 1));
    WORKS(ipfix_start_data_set(exporter, htons(259)));
    ipfix_put_data_field(exporter, packets, 6);
    WORKS(ipfix_end_data_set(exporter, 3));
    WORKS(ipfix_send(exporter));
}

int main(int argc, char **argv) {
    ipfix_exporter *exporter = NULL;
    int udp, tcp;

    CHECK(argc == 3);
    udp = atoi(argv[1]);
    tcp = atoi(argv[2]);
    look_up();
    WORKS(ipfix_init_exporter(12345, &exporter));
    WORKS(ipfix_add_collector(exporter, "127.0.0.1", udp, UDP));
    WORKS(ipfix_add_collector(exporter, "127.0.0.1", tcp, TCP));
    define_templates(exporter);
    send_plain(exporter);
    send_others(exporter);

    /* Messages with templates that were removed and replaced: the same one may come back at once, another one not over UDP. */
    WORKS(ipfix_remove_template_set(exporter, 257));
    FAILS(ipfix_start_data_set(exporter, htons(257)));
    FAILS(ipfix_remove_template_set(exporter, 257));
    while (ipfix_beat(exporter) == 1) {
    }
    WORKS(ipfix_start_template_set(exporter, 257, 1));
    WORKS(ipfix_put_template_field(exporter, 257, element("interfaceName"), 65535, 0));
    FAILS(ipfix_end_template_set(exporter, 257));
    WORKS(ipfix_remove_collector(exporter, "127.0.0.1", udp));
    FAILS(ipfix_remove_collector(exporter, "127.0.0.1", udp));
    define_templates(exporter);
    send_others(exporter);
    CHECK(ipfix_get_lost_records(exporter) == 0);
    WORKS(ipfix_deinit_exporter(exporter));
    return 0;
}
