/* Does everything wrong that can be done wrong with ipfix.h without breaking what only the program can know. */
#define _XOPEN_SOURCE 700
#include <errno.h>
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
#define FAILS(what) CHECK(!(what) && ipfix_fault()[0] != 0)

static uint64_t number;
static struct ipfix_template_t *the_template;
static struct ipfix_placement_exporter_t *the_exporter;
static unsigned called;

static void callback(const struct ipfix_template_t *t) {
    CHECK(t == the_template);
    called++;
    /* While it is used: the reading goes on with what it began with. */
    CHECK(ipfix_register_placement(the_template, "flowId", &number, 0) == (called == 1));
    ipfix_template_delete(the_template);
}

/* Takes one octet at a time, sometimes none, and tries to use the exporter that it writes for. */
static ssize_t reluctant(void *context, const uint8_t *octets, size_t length) {
    unsigned *calls = (unsigned *)context;
    CHECK(length > 0 && octets != NULL);
    FAILS(ipfix_placement_exporter_flush(the_exporter));
    FAILS(ipfix_place_values(the_exporter, the_template));
    if (++*calls % 10 == 0) {
        errno = EAGAIN;
        return -1;
    }
    return 1;
}

static ssize_t lying(void *context, uint8_t *octets, size_t length) {
    unsigned *calls = (unsigned *)context;
    memset(octets, 0, length);
    return ++*calls > 3 ? -1 : (ssize_t)(length + 1000000);
}

static void templates(void) {
    struct ipfix_template_t *t = ipfix_template_new(), *twice;
    CHECK(t != NULL);
    FAILS(ipfix_register_placement(NULL, "octetDeltaCount", &number, 0));
    FAILS(ipfix_register_placement((struct ipfix_template_t *)&number, "octetDeltaCount", &number, 0));
    FAILS(ipfix_register_placement(t, NULL, &number, 0));
    FAILS(ipfix_register_placement(t, "octetDeltaCount", NULL, 0));
    FAILS(ipfix_register_placement(t, "no such element", &number, 0));
    FAILS(ipfix_register_placement(t, "", &number, 0));
    FAILS(ipfix_register_placement(t, "\377", &number, 0));
    FAILS(ipfix_register_placement(t, "octetDeltaCount", &number, 9));
    FAILS(ipfix_register_placement(t, "octetDeltaCount", &number, 65535));
    FAILS(ipfix_register_placement(t, "octetDeltaCount", &number, (size_t)-1));
    FAILS(ipfix_register_callback(NULL, callback));
    CHECK(ipfix_register_callback(t, NULL));
    FAILS(ipfix_collect_from_file(0, NULL));
    FAILS(ipfix_collect_from_file(-1, t));
    ipfix_template_delete(NULL);
    ipfix_template_delete(t);
    ipfix_template_delete(t);
    FAILS(ipfix_register_placement(t, "octetDeltaCount", &number, 0));
    FAILS(ipfix_collect_from_file(0, t));
    twice = ipfix_template_new();
    CHECK(twice != t);
    ipfix_template_delete(twice);
    FAILS(ipfix_element_lookup(NULL, NULL));
    CHECK(ipfix_element_lookup("octetDeltaCount", NULL));
    FAILS(ipfix_element_add(NULL));
    FAILS(ipfix_element_add("octetDeltaCount"));
}

static void octets(void) {
    struct ipfix_octets octets = IPFIX_OCTETS_INIT;
    FAILS(ipfix_octets_assign(NULL, "a", 1));
    FAILS(ipfix_octets_assign(&octets, NULL, 1));
    CHECK(ipfix_octets_assign(&octets, NULL, 0));
    CHECK(octets.length == 0 && octets.octets[0] == 0);
    ipfix_octets_free(&octets);
    ipfix_octets_free(&octets);
    ipfix_octets_free(NULL);
}

static void exporters(int fd) {
    unsigned calls = 0;
    int i;
    struct ipfix_octets octets = IPFIX_OCTETS_INIT;
    struct ipfix_template_t *t = ipfix_template_new();
    struct ipfix_placement_exporter_t *exporter = ipfix_placement_exporter_new(-1, 1);
    CHECK(exporter != NULL);
    FAILS(ipfix_place_values(NULL, t));
    FAILS(ipfix_place_values(exporter, NULL));
    FAILS(ipfix_place_values(exporter, t));
    FAILS(ipfix_placement_exporter_flush(NULL));
    FAILS(ipfix_placement_exporter_delete(NULL));
    FAILS(ipfix_placement_exporter_new_to(NULL, NULL, 1, 1400, 0));
    FAILS(ipfix_placement_exporter_new_to(&calls, reluctant, 1, 20, 0));

    /* It cannot be written: records are taken until too much waits. */
    CHECK(ipfix_register_placement(t, "octetDeltaCount", &number, 0));
    for (i = 0; i < 2000000 && ipfix_place_values(exporter, t); i++) {
    }
    CHECK(i > 8000 && i < 2000000);
    FAILS(ipfix_placement_exporter_flush(exporter));
    FAILS(ipfix_placement_exporter_delete(exporter));
    FAILS(ipfix_placement_exporter_delete(exporter));

    /* Octets that are none, longer than their field, and longer than a message. */
    exporter = ipfix_placement_exporter_new(fd, 1);
    CHECK(ipfix_register_placement(t, "interfaceName", &octets, 0));
    octets.length = 5;
    FAILS(ipfix_place_values(exporter, t));
    octets.length = 0;
    CHECK(ipfix_place_values(exporter, t));
    CHECK(ipfix_octets_assign(&octets, "too long", 8));
    CHECK(ipfix_register_placement(t, "interfaceName", &octets, 4));
    FAILS(ipfix_place_values(exporter, t));
    CHECK(ipfix_placement_exporter_delete(exporter));
    the_exporter = ipfix_placement_exporter_new_to(&calls, reluctant, 1, 60, 1);
    the_template = t;
    FAILS(ipfix_place_values(the_exporter, t));
    ipfix_template_delete(t);

    /* Bit by bit. */
    the_template = t = ipfix_template_new();
    CHECK(ipfix_register_placement(t, "octetDeltaCount", &number, 0));
    CHECK(ipfix_place_values(the_exporter, t));
    for (i = 0; !ipfix_placement_exporter_flush(the_exporter); i++)
        CHECK(i < 100);
    CHECK(calls > 40 && ipfix_placement_exporter_delete(the_exporter));
    ipfix_template_delete(t);
    ipfix_octets_free(&octets);
}

static void collecting(int fd) {
    unsigned calls = 0;
    struct ipfix_collecting how = {NULL, NULL, NULL, NULL};
    struct ipfix_template_t *templates[2] = {NULL, NULL};
    FAILS(ipfix_collect(NULL, templates, 0));
    FAILS(ipfix_collect(&how, NULL, 0));
    FAILS(ipfix_collect(&how, templates, 0));
    FAILS(ipfix_collect(&how, templates, 1));
    how.context = &calls;
    how.read = lying;
    FAILS(ipfix_collect(&how, templates, 0));

    /* The template is deleted by the callback. */
    the_template = ipfix_template_new();
    CHECK(ipfix_register_placement(the_template, "octetDeltaCount", &number, 0));
    CHECK(ipfix_register_callback(the_template, callback));
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(ipfix_collect_from_file(fd, the_template));
    CHECK(called > 0);
    FAILS(ipfix_collect_from_file(fd, the_template));
}

int main(void) {
    char name[] = "/tmp/weir-XXXXXX";
    int fd = mkstemp(name);
    CHECK(fd >= 0 && unlink(name) == 0);
    templates();
    octets();
    exporters(fd);
    collecting(fd);
    CHECK(close(fd) == 0);
    return 0;
}
