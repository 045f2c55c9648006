// The collector of libfc's documentation, completed: its constructor as the text before it has it, its end_placement with something to see,
// and around it what opens the file. Argument: the file to read.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "ipfix.h"

using namespace IPFIX;

class MyCollector : public PlacementCollector {
public:
    MyCollector() {
        IPFIX::InfoModel& model = IPFIX::InfoModel::instance();
        my_observation_template = new PlacementTemplate();
        my_observation_template->register_placement(model.lookupIE("observationPointId"), &point);
        register_placement_template(my_observation_template);
        my_flow_template = new PlacementTemplate();
        my_flow_template->register_placement(
            model.lookupIE("sourceIPv4Address"),
            &sip);
        my_flow_template->register_placement(
            model.lookupIE("destinationIPv4Address"),
            &dip);
        register_placement_template(my_flow_template);
    }
    ~MyCollector() {
        delete my_flow_template;
        delete my_observation_template;
    }
    void end_placement(const PlacementTemplate* tmpl) {
        if (tmpl == my_flow_template) std::printf("Got new values %08x and %08x\n", sip, dip);
    }
private:
    PlacementTemplate* my_flow_template;
    PlacementTemplate* my_observation_template;
    uint64_t point;
    uint32_t sip;
    uint32_t dip;
};

int main(int argc, char** argv) {
    if (argc != 2) return 1;
    std::string filename = argv[1];
    MyCollector cb;
    int fd = open(filename.c_str(), O_RDONLY);
    if (fd >= 0) {
        FileInputSource is(fd);
        try {
            cb.collect(is);
        } catch (FormatError e) {
            std::cerr << "Format error: " << e.what() << std::endl;
        }
        (void) close(fd);
    }
    return 0;
}
