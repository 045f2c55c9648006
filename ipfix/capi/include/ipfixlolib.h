/*
 * ipfixlolib.h: an IPFIX exporter (RFC 7011) for programs that have their values in network order. Part of weir-ipfix.
 *
 * The interface is that of IPFIXLOLIB; what happens behind it is what today's standards say. Link with -lweir_ipfix
 * (pkg-config weir-ipfix).
 *
 *     ipfix_exporter *exporter;
 *     uint32_t address = inet_addr("192.0.2.1");
 *
 *     ipfix_init_exporter(12345, &exporter);
 *     ipfix_add_collector(exporter, "127.0.0.1", 4739, UDP);
 *
 *     ipfix_start_template_set(exporter, 256, 1);
 *     ipfix_put_template_field(exporter, 256, 8, 4, 0);           8 is sourceIPv4Address
 *     ipfix_end_template_set(exporter, 256);
 *
 *     ipfix_start_data_set(exporter, htons(256));
 *     ipfix_put_data_field(exporter, &address, 4);
 *     ipfix_end_data_set(exporter, 1);
 *     ipfix_send(exporter);
 *
 *     ipfix_deinit_exporter(exporter);
 *
 * All functions that answer an int answer 0, or -1 if something is wrong, unless it is said otherwise; ipfix_fault() says what. A null
 * pointer, an exporter that was deinitialised, calls in the wrong order and too many fields are such errors. What only the program can know
 * it has to see to: that its buffers are as long as it says, and live as long as is said here.
 *
 * Numbers are in host order, but for the template id of ipfix_start_data_set. Values are put as they go on the wire: in network order.
 *
 * Functions may be called from several threads; of one exporter, one works at a time. No thread is started: what
 * could not be sent at once goes on with every call of ipfix_send and ipfix_beat.
 */
#ifndef WEIR_IPFIXLOLIB_H
#define WEIR_IPFIXLOLIB_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An exporter. It is a handle and points to nothing. */
typedef struct ipfix_exporter ipfix_exporter;

/* How messages get to a collector. SCTP is refused where the kernel does not have it. */
typedef enum ipfix_transport_protocol { UDP, TCP, SCTP } ipfix_transport_protocol;

/* What went wrong last in this thread, as text; "" if nothing has. */
const char *ipfix_fault(void);


/* ---- Exporters and collectors ---- */

/* Creates an exporter of the observation domain source_id. */
int ipfix_init_exporter(uint32_t source_id, ipfix_exporter **exporter);

/*
 * Ends an exporter. Messages that wait for a collector have up to two seconds to go; data sets that were not given to ipfix_send do not go.
 */
int ipfix_deinit_exporter(ipfix_exporter *exporter);

/*
 * Adds a collector, up to 64; coll_ip4_addr is its address in numbers, of version 4 or 6.
 *
 * UDP: all templates are repeated every 20 seconds, when something is sent. A message is at most 1400 octets long.
 * TCP, SCTP: connecting does not wait. What is sent meanwhile, or while the collector is away or slow, waits in a queue of 4 MiB; what does not fit
 *      into it is dropped (ipfix_get_lost_records) and leaves a gap in the sequence numbers. A connection is tried again after a
 *      minute at the earliest, after one that broke off at once; each begins with all templates. SCTP has one stream, and loses nothing.
 *
 * Every collector has its own sequence numbers, which count the data records that were sent to it (RFC 7011, 3.1).
 */
int ipfix_add_collector(ipfix_exporter *exporter, const char *coll_ip4_addr, int coll_port, ipfix_transport_protocol proto);

/* Removes the first collector with this address and port. Messages that wait for it have up to two seconds to go. */
int ipfix_remove_collector(ipfix_exporter *exporter, const char *coll_ip4_addr, int coll_port);


/* ---- Templates ---- */

/*
 * One template is defined at a time: it is started, gets its fields, and is ended. Template ids begin with 256. A template is told to all
 * collectors, those of the future too, before its first record. Ending a definition in vain discards it.
 *
 * A template with the id of another one takes its place, as if that one had been removed before; the same one again changes nothing.
 */

/* Starts a template of field_count fields. */
int ipfix_start_template_set(ipfix_exporter *exporter, uint16_t template_id, uint16_t field_count);

/*
 * Starts an options template. Its fields are first those of the scope, then the others: scope_length and option_length are the octets
 * that the values of either have in a record, a field of variable length counting as 1. The scope has one field at least.
 */
int ipfix_start_optionstemplate_set(ipfix_exporter *exporter, uint16_t template_id, uint16_t scope_length, uint16_t option_length);

/*
 * Starts a data template: one whose records have field_count fields of their own, and fixedfield_count that have the same values in all
 * records. All fields are put first, then the fixed values (ipfix_put_template_data), as they go on the wire, in one piece or
 * in several.
 *
 * The set id 4 that IPFIXLOLIB sent these with was never standardised, and collectors skip it. They are sent by RFC 5473: the fixed values are
 * an options record with a commonPropertiesId (137), which every collector is told with the templates and as often as these, and each
 * data record begins with that id, in 8 octets. The program does not see it: it puts records of field_count fields. The options template
 * gets the highest template id that is free when the data template is ended, from 65535 down.
 */
int ipfix_start_datatemplate_set(ipfix_exporter *exporter, uint16_t template_id, uint16_t field_count, uint16_t fixedfield_count);

/*
 * Adds a field: the number of an information element, the octets of its values, 65535 if these vary and say their lengths themselves, and
 * the enterprise whose element it is, 0 for IANA's. Where texts about IPFIXLOLIB have the length before the type, programs had the
 * type first, and this is what counts.
 */
int ipfix_put_template_field(ipfix_exporter *exporter, uint16_t template_id, uint16_t type, uint16_t length, uint32_t enterprise_id);

/* Adds a field with a fixed value to a data template. */
int ipfix_put_template_fixedfield(ipfix_exporter *exporter, uint16_t template_id, uint16_t type, uint16_t length, uint32_t enterprise_id);

/* Adds fixed values (network order) to a data template. They are copied. */
int ipfix_put_template_data(ipfix_exporter *exporter, uint16_t template_id, const void *data, uint16_t data_length);

/* Ends a template. */
int ipfix_end_template_set(ipfix_exporter *exporter, uint16_t template_id);

/*
 * Removes a template, also one that is being defined; not one with data sets that have not been sent. Collectors of TCP and SCTP are told
 * (a withdrawal, RFC 7011, 8.1) when nothing waits for them any more. Those of UDP cannot be told: there a template of other fields gets
 * the id only when the old one was last repeated a minute ago (8.4); until then it is refused.
 */
int ipfix_remove_template_set(ipfix_exporter *exporter, uint16_t template_id);


/* ---- Data ---- */

/*
 * One data set is filled at a time: it is started, gets the fields of its records one after the other, and is ended or cancelled. What was
 * put is not copied: it is read by ipfix_send and has to stay until that returns. Up to 65536 fields and 1 MiB may wait for it.
 */

/* Starts a data set. The template id is in network order: htons(256). */
int ipfix_start_data_set(ipfix_exporter *exporter, uint16_t template_id);

/*
 * Puts a field (network order), several, or a part of one: what counts is what it all adds up to. A field of variable length
 * is put with its length before it: one octet, or 255 and two octets (RFC 7011, 7). If a field cannot be put, ipfix_end_data_set fails as
 * well, so that the answer need not be looked at.
 */
int ipfix_put_data_field(ipfix_exporter *exporter, const void *data, uint16_t length);

/* Notes the present end of the data set that was started. */
int ipfix_set_data_field_marker(ipfix_exporter *exporter);

/* Takes back what was put since the marker was set, or, if it was not, since the data set was started. */
int ipfix_delete_data_fields_upto_marker(ipfix_exporter *exporter);

/*
 * Ends the data set. If its octets are not so many records of its template it is discarded, and the answer is -1; with fields of variable
 * length this is seen by ipfix_send. A data set of no records is not sent.
 */
int ipfix_end_data_set(ipfix_exporter *exporter, uint16_t number_of_records);

/* Discards the data set that was started. */
int ipfix_cancel_data_set(ipfix_exporter *exporter);

/*
 * Sends the data sets that were ended, in their order, in one message, or in several if one cannot hold them; before them templates that are
 * new or to be repeated. It does not wait. The answer is -1 if a data set is still open, and nothing is sent then; and if data sets were
 * discarded that are not what they should be. That a collector is away is no error.
 */
int ipfix_send(ipfix_exporter *exporter);


/* ---- Beyond the original interface ---- */

/* Goes on with what is under way. 1 if something still is: a connection is made, or messages wait; else 0. */
int ipfix_beat(ipfix_exporter *exporter);

/* Octets of records that still fit into one message with the data sets that wait for ipfix_send. */
int ipfix_get_remaining_space(ipfix_exporter *exporter);

/* Data records that were dropped because a collector did not take them, added up over all collectors. */
uint64_t ipfix_get_lost_records(ipfix_exporter *exporter);


/* ---- Information elements ---- */

/*
 * Names and numbers are those of IANA's registry as it is today, not of the drafts that IPFIXLOLIB's table was made from: 9 is
 * sourceIPv4PrefixLength and not sourceIPv4Mask, 137 is commonPropertiesId, and 300 to 329 are not what they were.
 */
struct ipfix_identifier {
    char *name;     /* Not to be changed. */
    uint16_t id;
    uint8_t length; /* Octets of a value; 0 if the element has no length of its own: texts, octets and lists. */
};

/* The number of the element that is called so, whatever the case of the letters; -1 if there is none. */
int ipfix_name_lookup(const char *name);

/* The element with this number; NULL if there is none. It stays as long as the program runs. */
struct ipfix_identifier *ipfix_id_lookup(int n);

/* Whether a number is in the range of the registry, from 1 to the last one that is assigned: 0 if not. */
int ipfix_id_rangecheck(int id);

#ifdef __cplusplus
}
#endif

#endif
