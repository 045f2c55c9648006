#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <fcntl.h>
#include "ipfix.h"
static uint32_t sip;
static uint32_t dip;
static void callback(const struct ipfix_template_t* p) {
printf("Got new values %08x and %08x\n", sip, dip);
}
int main() {
int fd = open("test.ipfix", O_RDONLY);
if (fd < 0)
exit(1);
struct ipfix_template_t* t = ipfix_template_new();
ipfix_register_placement(t, "sourceIPv4Address", &sip, 0);
ipfix_register_placement(t, "destinationIPv4Address", &dip, 0);
ipfix_register_callback(t, callback);
ipfix_collect_from_file(fd, t);
if (close(fd) < 0)
exit(1);
ipfix_template_delete(t);
return 0;
}
