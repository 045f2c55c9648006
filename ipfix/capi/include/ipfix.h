/*
 * ipfix.h: reading and writing IPFIX (RFC 7011) by placement, libfc's idea, in C. Part of weir-ipfix; for C++ there is ipfix.hpp, which this
 * header includes where it can.
 *
 * A program says once which information elements it wants, and where in its memory; then every record that has all of them is
 * put there, whatever else is in it and however its exporter arranges it:
 *
 *     static uint32_t sip;
 *     static void callback(const struct ipfix_template_t *t) { (void)t; printf("%08x\n", sip); }
 *
 *     struct ipfix_template_t *t = ipfix_template_new();
 *     ipfix_register_placement(t, "sourceIPv4Address", &sip, 0);
 *     ipfix_register_callback(t, callback);
 *     ipfix_collect_from_file(fd, t);
 *     ipfix_template_delete(t);
 *
 * and the other way round: ipfix_place_values sends what is in the places.
 *
 * Functions that answer an int answer 1, or 0 if something is wrong, unless it is said otherwise; ipfix_fault() says what. Null pointers,
 * templates that were deleted and names that nobody knows are such errors. What only the program can know it has to see to: that the
 * memory that it registers is there, and is of the form that the element has.
 *
 *     unsigned8, 16, 32, 64          uint8_t, uint16_t, uint32_t, uint64_t
 *     signed8, 16, 32, 64            int8_t, int16_t, int32_t, int64_t
 *     float32, float64               float, double
 *     boolean                        bool, or another type of one octet
 *     macAddress, ipv6Address        6 and 16 octets, as on the wire
 *     ipv4Address                    uint32_t in host order: 192.0.2.1 is 0xc0000201
 *     dateTimeSeconds                uint32_t: seconds since 1970
 *     dateTimeMilliseconds           uint64_t: milliseconds since 1970
 *     dateTimeMicroseconds, Nano...  uint64_t: NTP, seconds since 1900 and a fraction of 2^32
 *     string, octetArray             struct ipfix_octets
 *     lists, unsigned256             struct ipfix_octets: as on the wire
 *
 * Integers and doubles that the exporter sends shorter are widened, with their sign. Numbers are in host order, at any alignment. Values that
 * records have in common, and only refer to (RFC 5473), are placed like their own.
 */
#ifndef WEIR_IPFIX_H
#define WEIR_IPFIX_H

/* Programs that use libfc rely on some of these. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong last in this thread, as text; "" if nothing has. */
const char *ipfix_fault(void);


/* ---- Octets ---- */

/* A buffer of octets that grows. Its memory is that of malloc. Behind the octets there is a 0 that length does not count. */
struct ipfix_octets {
    uint8_t *octets;
    size_t length;
    size_t capacity;
};

/* It has to be initialised before it is registered: with zeros, as static memory is, or with this. */
#define IPFIX_OCTETS_INIT {NULL, 0, 0}

/* Makes it a copy of these octets, which do not lie in it. */
int ipfix_octets_assign(struct ipfix_octets *octets, const void *from, size_t length);

/* Frees its memory. It is empty then, and can be used again. */
void ipfix_octets_free(struct ipfix_octets *octets);


/* ---- Placement templates ---- */

/* A placement template. It is a handle and points to nothing. */
struct ipfix_template_t;

/* Creates a placement template; NULL if there are too many. */
struct ipfix_template_t *ipfix_template_new(void);

/* Deletes a placement template. */
void ipfix_template_delete(struct ipfix_template_t *t);

/*
 * Registers memory for an information element: by its name, or by a specification like octetDeltaCount[4], (8057/900),
 * temperature(4711/1)<signed16>. Each element has one place: registered again it gets the new one.
 *
 * size is for sending: the octets of the field on the wire, 0 for those of the specification, or else of the element. The memory
 * always has the form of the element in full.
 */
int ipfix_register_placement(struct ipfix_template_t *t, const char *element, void *memory, size_t size);

/* Registers what is called after each record, by ipfix_collect_from_file. It may do anything, but must not leave by an exception or longjmp. */
int ipfix_register_callback(struct ipfix_template_t *t, void (*callback)(const struct ipfix_template_t *));


/* ---- Collecting ---- */

/*
 * Reads messages from a file descriptor, of a file, a pipe or a connection, to its end, and places the records that have all elements of the
 * template. The descriptor stays open. If a part of a message is wrong, the rest is read all the same, and the answer is 0 at the end; what
 * is no message ends the reading.
 */
int ipfix_collect_from_file(int fd, struct ipfix_template_t *t);

/* How ipfix_collect reads, and what it calls. The functions must not leave by an exception or longjmp. */
struct ipfix_collecting {
    void *context;
    /* Reads up to so many octets; answers how many, 0 at the end, or less than 0 with errno. */
    ssize_t (*read)(void *context, uint8_t *octets, size_t length);
    /* Before and after a record is placed by the template with this number; answer 0 to stop. They may be NULL. */
    int (*start)(void *context, size_t which);
    int (*end)(void *context, size_t which);
};

/*
 * Like ipfix_collect_from_file for several templates: a record goes to the first one all of whose elements it has. What an exporter has told
 * of its templates holds for one call: every call is a session of its own.
 */
int ipfix_collect(const struct ipfix_collecting *how, struct ipfix_template_t *const *templates, size_t count);


/* ---- Exporting ---- */

/* An exporter. It is a handle and points to nothing. It works for one thread at a time. */
struct ipfix_placement_exporter_t;

/* Creates an exporter of an observation domain that writes to a file descriptor; NULL if there are too many. */
struct ipfix_placement_exporter_t *ipfix_placement_exporter_new(int fd, uint32_t domain);

/*
 * Creates an exporter that has its messages written by a function, none longer than so many octets, each from its beginning, until all of it
 * is taken. The function answers how many octets it took, or less than 0 with errno. If messages may get lost, each tells its
 * templates.
 */
struct ipfix_placement_exporter_t *ipfix_placement_exporter_new_to(
    void *context, ssize_t (*write)(void *context, const uint8_t *octets, size_t length), uint32_t domain, size_t longest, int may_lose);

/*
 * Puts a record of the values that are in the places of the template now. It is written when a message is full, or with
 * ipfix_placement_exporter_flush. What cannot be written waits, up to 1 MiB, and is tried again; beyond that records are refused.
 */
int ipfix_place_values(struct ipfix_placement_exporter_t *exporter, const struct ipfix_template_t *t);

/* Writes all records. */
int ipfix_placement_exporter_flush(struct ipfix_placement_exporter_t *exporter);

/* Writes all records, as far as it goes, and deletes the exporter. The answer is whether all were written. */
int ipfix_placement_exporter_delete(struct ipfix_placement_exporter_t *exporter);


/* ---- Information elements ---- */

/* An information element. */
struct ipfix_element {
    uint32_t enterprise; /* 0 for IANA's. */
    uint16_t number;
    uint16_t length;     /* Of its field: as specified, or as its type is; 65535 if it varies. */
    uint16_t memory;     /* Octets of its memory, in the form above. */
    uint16_t type;       /* By the numbers of RFC 5610. */
    char name[128];
};

/* The element that a name or a specification is about. element may be NULL. */
int ipfix_element_lookup(const char *specification, struct ipfix_element *element);

/* Adds an element to those that are known, for the whole program: name(enterprise/number)<type>. */
int ipfix_element_add(const char *specification);

#ifdef __cplusplus
}
#endif

#if defined(__cplusplus) && __cplusplus >= 201103L
#include "ipfix.hpp"
#endif

#endif
