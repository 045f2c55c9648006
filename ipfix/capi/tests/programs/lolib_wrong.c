/* Does everything wrong that can be done wrong with ipfixlolib.h without breaking what only the program can know. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

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

static uint8_t octets[70000];

/* Every function with an exporter that is none. */
static void none(ipfix_exporter *exporter) {
    FAILS(ipfix_deinit_exporter(exporter));
    FAILS(ipfix_add_collector(exporter, "127.0.0.1", 4739, UDP));
    FAILS(ipfix_remove_collector(exporter, "127.0.0.1", 4739));
    FAILS(ipfix_start_template_set(exporter, 256, 1));
    FAILS(ipfix_start_optionstemplate_set(exporter, 256, 4, 4));
    FAILS(ipfix_start_datatemplate_set(exporter, 256, 1, 1));
    FAILS(ipfix_put_template_field(exporter, 256, 1, 8, 0));
    FAILS(ipfix_put_template_fixedfield(exporter, 256, 1, 8, 0));
    FAILS(ipfix_put_template_data(exporter, 256, octets, 8));
    FAILS(ipfix_end_template_set(exporter, 256));
    FAILS(ipfix_remove_template_set(exporter, 256));
    FAILS(ipfix_start_data_set(exporter, htons(256)));
    FAILS(ipfix_put_data_field(exporter, octets, 8));
    FAILS(ipfix_set_data_field_marker(exporter));
    FAILS(ipfix_delete_data_fields_upto_marker(exporter));
    FAILS(ipfix_end_data_set(exporter, 1));
    FAILS(ipfix_cancel_data_set(exporter));
    FAILS(ipfix_send(exporter));
    FAILS(ipfix_beat(exporter));
    FAILS(ipfix_get_remaining_space(exporter));
    CHECK(ipfix_get_lost_records(exporter) == 0);
}

static void collectors(ipfix_exporter *exporter) {
    int i;
    FAILS(ipfix_add_collector(exporter, NULL, 4739, UDP));
    FAILS(ipfix_add_collector(exporter, "", 4739, UDP));
    FAILS(ipfix_add_collector(exporter, "localhost", 4739, UDP));
    FAILS(ipfix_add_collector(exporter, "127.0.0.1.2", 4739, TCP));
    FAILS(ipfix_add_collector(exporter, "\377\377", 4739, TCP));
    FAILS(ipfix_add_collector(exporter, "127.0.0.1", 0, UDP));
    FAILS(ipfix_add_collector(exporter, "127.0.0.1", -1, UDP));
    FAILS(ipfix_add_collector(exporter, "127.0.0.1", 65536, UDP));
    FAILS(ipfix_add_collector(exporter, "127.0.0.1", 4739, (ipfix_transport_protocol)3));
    FAILS(ipfix_remove_collector(exporter, NULL, 9));
    FAILS(ipfix_remove_collector(exporter, "127.0.0.1", 9));
    /* Most kernels have no SCTP. */
    if (ipfix_add_collector(exporter, "127.0.0.1", 9, SCTP) == 0)
        WORKS(ipfix_remove_collector(exporter, "127.0.0.1", 9));
    else
        CHECK(ipfix_fault()[0] != 0);
    for (i = 0; i < 64; i++)
        WORKS(ipfix_add_collector(exporter, "127.0.0.1", 9, UDP));
    FAILS(ipfix_add_collector(exporter, "127.0.0.1", 9, UDP));
    for (i = 0; i < 64; i++)
        WORKS(ipfix_remove_collector(exporter, "127.0.0.1", 9));
    FAILS(ipfix_remove_collector(exporter, "127.0.0.1", 9));
}

static void templates(ipfix_exporter *exporter) {
    FAILS(ipfix_start_template_set(exporter, 255, 1));
    FAILS(ipfix_start_template_set(exporter, 256, 0));
    FAILS(ipfix_start_optionstemplate_set(exporter, 256, 0, 4));
    FAILS(ipfix_start_datatemplate_set(exporter, 256, 0, 0));
    FAILS(ipfix_put_template_field(exporter, 256, 1, 8, 0));
    FAILS(ipfix_end_template_set(exporter, 256));

    /* Too many, too few, of another template. What was ended in vain is gone. */
    WORKS(ipfix_start_template_set(exporter, 256, 2));
    FAILS(ipfix_start_template_set(exporter, 257, 1));
    FAILS(ipfix_put_template_field(exporter, 257, 1, 8, 0));
    FAILS(ipfix_end_template_set(exporter, 257));
    FAILS(ipfix_put_template_fixedfield(exporter, 256, 1, 8, 0));
    FAILS(ipfix_put_template_data(exporter, 256, octets, 8));
    FAILS(ipfix_put_template_field(exporter, 256, 40000, 8, 0));
    WORKS(ipfix_put_template_field(exporter, 256, 1, 8, 0));
    FAILS(ipfix_start_data_set(exporter, htons(256)));
    FAILS(ipfix_end_template_set(exporter, 256));
    FAILS(ipfix_put_template_field(exporter, 256, 1, 8, 0));
    WORKS(ipfix_start_template_set(exporter, 256, 1));
    WORKS(ipfix_put_template_field(exporter, 256, 1, 8, 0));
    FAILS(ipfix_put_template_field(exporter, 256, 1, 8, 0));
    WORKS(ipfix_end_template_set(exporter, 256));
    FAILS(ipfix_end_template_set(exporter, 256));

    /* A definition can be given up. */
    WORKS(ipfix_start_template_set(exporter, 300, 1));
    WORKS(ipfix_remove_template_set(exporter, 300));
    FAILS(ipfix_remove_template_set(exporter, 300));

    /* Records without an octet, and longer than a message. */
    WORKS(ipfix_start_template_set(exporter, 300, 1));
    WORKS(ipfix_put_template_field(exporter, 300, 210, 0, 0));
    FAILS(ipfix_end_template_set(exporter, 300));
    WORKS(ipfix_start_template_set(exporter, 300, 1));
    WORKS(ipfix_put_template_field(exporter, 300, 313, 1381, 0));
    FAILS(ipfix_end_template_set(exporter, 300));

    /* A field that is a part of the scope and of the options, and lengths that are not reached. */
    WORKS(ipfix_start_optionstemplate_set(exporter, 300, 4, 8));
    FAILS(ipfix_put_template_field(exporter, 300, 143, 8, 0));
    WORKS(ipfix_put_template_field(exporter, 300, 143, 2, 0));
    FAILS(ipfix_end_template_set(exporter, 300));
    WORKS(ipfix_start_optionstemplate_set(exporter, 300, 4, 8));
    WORKS(ipfix_put_template_field(exporter, 300, 143, 4, 0));
    WORKS(ipfix_put_template_field(exporter, 300, 42, 4, 0));
    FAILS(ipfix_put_template_field(exporter, 300, 42, 8, 0));
    FAILS(ipfix_end_template_set(exporter, 300));

    /* Fixed values before the fields, too few, too many, cut off. */
    WORKS(ipfix_start_datatemplate_set(exporter, 300, 1, 1));
    WORKS(ipfix_put_template_fixedfield(exporter, 300, 82, 65535, 0));
    FAILS(ipfix_put_template_fixedfield(exporter, 300, 82, 65535, 0));
    FAILS(ipfix_put_template_data(exporter, 300, "\004eth0", 5));
    WORKS(ipfix_put_template_field(exporter, 300, 1, 8, 0));
    FAILS(ipfix_put_template_data(exporter, 300, NULL, 5));
    WORKS(ipfix_put_template_data(exporter, 300, "\004eth0", 4));
    FAILS(ipfix_end_template_set(exporter, 300));
    WORKS(ipfix_start_datatemplate_set(exporter, 300, 0, 1));
    WORKS(ipfix_put_template_fixedfield(exporter, 300, 4, 1, 0));
    FAILS(ipfix_end_template_set(exporter, 300));
    WORKS(ipfix_start_datatemplate_set(exporter, 300, 0, 1));
    WORKS(ipfix_put_template_fixedfield(exporter, 300, 4, 1, 0));
    WORKS(ipfix_put_template_data(exporter, 300, octets, 65000));
    FAILS(ipfix_put_template_data(exporter, 300, octets, 65000));
    FAILS(ipfix_end_template_set(exporter, 300));

    /* The id of the options template with the fixed values is taken. */
    WORKS(ipfix_start_datatemplate_set(exporter, 300, 0, 1));
    WORKS(ipfix_put_template_fixedfield(exporter, 300, 4, 1, 0));
    WORKS(ipfix_put_template_data(exporter, 300, octets, 1));
    WORKS(ipfix_end_template_set(exporter, 300));
    WORKS(ipfix_start_template_set(exporter, 65535, 1));
    WORKS(ipfix_put_template_field(exporter, 65535, 1, 8, 0));
    FAILS(ipfix_end_template_set(exporter, 65535));
    WORKS(ipfix_remove_template_set(exporter, 300));
}

/* With template 256, records of 8 octets. */
static void data(ipfix_exporter *exporter) {
    int i;
    FAILS(ipfix_start_data_set(exporter, 0));
    FAILS(ipfix_start_data_set(exporter, htons(299)));
    FAILS(ipfix_put_data_field(exporter, octets, 8));
    FAILS(ipfix_set_data_field_marker(exporter));
    FAILS(ipfix_delete_data_fields_upto_marker(exporter));
    FAILS(ipfix_end_data_set(exporter, 1));
    FAILS(ipfix_cancel_data_set(exporter));
    WORKS(ipfix_send(exporter));

    WORKS(ipfix_start_data_set(exporter, htons(256)));
    FAILS(ipfix_start_data_set(exporter, htons(256)));
    FAILS(ipfix_send(exporter));
    FAILS(ipfix_remove_template_set(exporter, 256));
    WORKS(ipfix_end_data_set(exporter, 0));

    /* Not so many records. */
    for (i = 0; i < 3; i++) {
        WORKS(ipfix_start_data_set(exporter, htons(256)));
        WORKS(ipfix_put_data_field(exporter, octets, 9 + i));
        FAILS(ipfix_end_data_set(exporter, (uint16_t)i));
        FAILS(ipfix_end_data_set(exporter, 1));
    }

    /* What could not be put is noticed at the end, unless it was taken back. */
    WORKS(ipfix_start_data_set(exporter, htons(256)));
    WORKS(ipfix_put_data_field(exporter, octets, 8));
    FAILS(ipfix_put_data_field(exporter, NULL, 8));
    FAILS(ipfix_end_data_set(exporter, 1));
    WORKS(ipfix_start_data_set(exporter, htons(256)));
    WORKS(ipfix_put_data_field(exporter, octets, 8));
    WORKS(ipfix_set_data_field_marker(exporter));
    FAILS(ipfix_put_data_field(exporter, NULL, 8));
    WORKS(ipfix_delete_data_fields_upto_marker(exporter));
    WORKS(ipfix_put_data_field(exporter, NULL, 0));
    WORKS(ipfix_end_data_set(exporter, 1));
    FAILS(ipfix_remove_template_set(exporter, 256));
    WORKS(ipfix_send(exporter));

    /* Too many octets, and too many fields. */
    WORKS(ipfix_start_data_set(exporter, htons(256)));
    for (i = 0; i < 16; i++)
        WORKS(ipfix_put_data_field(exporter, octets, 65528));
    FAILS(ipfix_put_data_field(exporter, octets, 65528));
    FAILS(ipfix_end_data_set(exporter, 65535));
    WORKS(ipfix_start_data_set(exporter, htons(256)));
    for (i = 0; i < 65536; i++)
        WORKS(ipfix_put_data_field(exporter, octets, 1));
    FAILS(ipfix_put_data_field(exporter, octets, 1));
    WORKS(ipfix_cancel_data_set(exporter));
    FAILS(ipfix_cancel_data_set(exporter));

    /* Fields of variable length: cut off, more than was said, and longer than a message. */
    WORKS(ipfix_start_template_set(exporter, 257, 1));
    WORKS(ipfix_put_template_field(exporter, 257, 82, 65535, 0));
    WORKS(ipfix_end_template_set(exporter, 257));
    for (i = 0; i < 3; i++) {
        WORKS(ipfix_start_data_set(exporter, htons(257)));
        FAILS(ipfix_end_data_set(exporter, 1));
        WORKS(ipfix_start_data_set(exporter, htons(257)));
        WORKS(ipfix_put_data_field(exporter, i == 0 ? "\004eth" : i == 1 ? "\001a\001b" : "\377\005\170", i == 2 ? 3 : 4));
        if (i == 2)
            WORKS(ipfix_put_data_field(exporter, octets, 0x578));
        WORKS(ipfix_end_data_set(exporter, 1));
        FAILS(ipfix_send(exporter));
        WORKS(ipfix_send(exporter));
    }
}

int main(void) {
    ipfix_exporter *exporter = NULL, *again;
    uint32_t address = inet_addr("127.0.0.1");
    int i;

    CHECK(ipfix_fault()[0] == 0);
    none(NULL);
    none((ipfix_exporter *)&address);
    none((ipfix_exporter *)16);
    FAILS(ipfix_init_exporter(1, NULL));
    FAILS(ipfix_name_lookup(NULL));
    FAILS(ipfix_name_lookup("\377"));
    WORKS(ipfix_init_exporter(1, &exporter));
    collectors(exporter);
    WORKS(ipfix_add_collector(exporter, "127.0.0.1", 9, UDP));
    templates(exporter);
    data(exporter);

    /* Left open at the end. */
    WORKS(ipfix_start_template_set(exporter, 400, 1));
    WORKS(ipfix_start_data_set(exporter, htons(256)));
    WORKS(ipfix_put_data_field(exporter, octets, 8));
    WORKS(ipfix_deinit_exporter(exporter));
    none(exporter);
    for (i = 0; i < 1000; i++) {
        WORKS(ipfix_init_exporter(1, &again));
        CHECK(again != exporter);
        WORKS(ipfix_deinit_exporter(again));
    }
    none(exporter);
    return 0;
}
