// The exporter of libfc's documentation; what it leaves out ("...") is filled in, and the loop for more calls. Argument: the file to write.
#include <fcntl.h>
#include <unistd.h>

#include "ipfix.hpp"

using namespace IPFIX;

int main(int argc, char** argv) {
    if (argc != 2) return 1;
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) return 1;
    {
        FileExportDestination d(fd);
        PlacementExporter exporter(d, 0x12344321);

        uint64_t flow_start_milliseconds = 1700000000123;
        uint64_t flow_end_milliseconds = 1700000001456;
        uint32_t source_ip_v4_address = 0xc0000201;
        uint32_t destination_ip_v4_address = 0xc6336402;
        uint16_t source_transport_port = 40000;
        uint16_t destination_transport_port = 443;
        uint8_t protocol_identifier = 6;
        uint64_t octet_delta_count = 123456789012;

        PlacementTemplate* my_flow_template = new PlacementTemplate();
        IPFIX::InfoModel& model = IPFIX::InfoModel::instance();
        my_flow_template->register_placement(model.lookupIE("flowStartMilliseconds"), &flow_start_milliseconds);
        my_flow_template->register_placement(model.lookupIE("flowEndMilliseconds"), &flow_end_milliseconds);
        my_flow_template->register_placement(model.lookupIE("sourceIPv4Address"), &source_ip_v4_address);
        my_flow_template->register_placement(model.lookupIE("destinationIPv4Address"), &destination_ip_v4_address);
        my_flow_template->register_placement(model.lookupIE("sourceTransportPort"), &source_transport_port);
        my_flow_template->register_placement(model.lookupIE("destinationTransportPort"), &destination_transport_port);
        my_flow_template->register_placement(model.lookupIE("protocolIdentifier"), &protocol_identifier);
        my_flow_template->register_placement(model.lookupIE("octetDeltaCount"), &octet_delta_count);

        exporter.place_values(my_flow_template);
        source_ip_v4_address++;
        octet_delta_count = 1;
        exporter.place_values(my_flow_template);
        exporter.flush();
        delete my_flow_template;
    }
    return close(fd);
}
