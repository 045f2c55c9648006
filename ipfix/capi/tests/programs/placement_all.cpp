// Uses everything of ipfix.hpp. Argument: a file to write and read.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "ipfix.hpp"

using namespace IPFIX;

#define CHECK(what)                                                                            \
    do {                                                                                       \
        if (!(what)) {                                                                         \
            std::cerr << __FILE__ << ':' << __LINE__ << ": " #what << " (" << ipfix_fault() << ")\n"; \
            std::exit(1);                                                                      \
        }                                                                                      \
    } while (0)

// Whether something throws this, with something to say.
template <typename Thrown, typename What>
bool throws(What what) {
    try {
        what();
    } catch (const Thrown& thrown) {
        std::ostringstream out;
        out << thrown;
        return out.str() == thrown.what() && !out.str().empty();
    }
    return false;
}

struct Values {
    uint64_t octets = 0;
    uint8_t mac[6] = {};
    uint8_t address[16] = {};
    bool reliable = false;
    double probability = 0;
    BasicOctetArray name;

    void place(PlacementTemplate& tmpl) {
        InfoModel& model = InfoModel::instance();
        CHECK(tmpl.register_placement(model.lookupIE("octetDeltaCount"), &octets, 3));
        CHECK(tmpl.register_placement(model.lookupIE("sourceMacAddress"), mac));
        CHECK(tmpl.register_placement(model.lookupIE("sourceIPv6Address"), &address));
        CHECK(tmpl.register_placement(model.lookupIE("dataRecordsReliability"), &reliable));
        CHECK(tmpl.register_placement(model.lookupIE("samplingProbability[4]"), &probability));
        CHECK(tmpl.register_placement(model.lookupIE("interfaceName"), &name));
    }
};

class Collector : public PlacementCollector {
public:
    Collector() {
        values.place(tmpl);
        register_placement_template(&nothing);
        register_placement_template(&tmpl);
    }
    void start_placement(const PlacementTemplate* started) override {
        CHECK(started == &tmpl);
        starts++;
    }
    void end_placement(const PlacementTemplate* ended) override {
        CHECK(ended == &tmpl && ++ends == starts);
        CHECK(values.octets == 70000 && values.reliable && values.probability == 0.25);
        CHECK(values.mac[0] == 2 && values.mac[5] == 1 && values.address[0] == 0x20 && values.address[15] == 1);
        CHECK(values.name == BasicOctetArray("eth0") && values.name.to_string() == "eth0");
        if (ends == stop_at) throw std::runtime_error("enough");
    }
    Values values;
    PlacementTemplate nothing, tmpl;
    unsigned starts = 0, ends = 0, stop_at = 0;
};

class Memory : public InputSource, public ExportDestination {
public:
    ssize_t read(uint8_t* octets, size_t length) override {
        if (at == content.size() && fails) throw std::runtime_error("fails");
        const size_t count = std::min(length, content.size() - at);
        content.copy(reinterpret_cast<char*>(octets), count, at);
        at += count;
        return static_cast<ssize_t>(count);
    }
    ssize_t write(const uint8_t* octets, size_t length) override {
        if (fails) throw std::runtime_error("fails");
        longest = std::max(longest, length);
        messages++;
        content.append(reinterpret_cast<const char*>(octets), length);
        return static_cast<ssize_t>(length);
    }
    bool is_connectionless() const override { return true; }
    size_t preferred_maximum_message_size() const override { return 200; }

    std::string content;
    size_t at = 0, longest = 0;
    unsigned messages = 0;
    bool fails = false;
};

static void elements() {
    InfoModel& model = InfoModel::instance();
    const InfoElement* octets = model.lookupIE("OctetDeltaCount[4]");
    CHECK(octets && octets->name() == "octetDeltaCount" && octets->pen() == 0 && octets->number() == 1);
    CHECK(octets->len() == 4 && octets->type() == 4 && octets->memory_size() == 8);
    CHECK(model.lookupIE("OctetDeltaCount[4]") == octets);
    CHECK(model.lookupIE("nothing") == nullptr && model.lookupIE("") == nullptr);
    CHECK(throws<IESpecError>([&] { model.lookupIE("octetDeltaCount[9]"); }));
    CHECK(throws<IESpecError>([&] { model.lookupIE("octetDeltaCount(1"); }));
    CHECK(throws<IESpecError>([&] { model.lookupIE("(4711/77)"); }));
    CHECK(model.lookupIE("roomTemperature") == nullptr);
    model.add("roomTemperature(4711/77)<signed16>");
    CHECK(model.lookupIE("roomTemperature")->pen() == 4711);
    CHECK(throws<IESpecError>([&] { model.add("other(4711/77)<string>"); }));

    PlacementTemplate tmpl;
    uint32_t small = 0;
    char text[100] = "";
    CHECK(!tmpl.register_placement(nullptr, &small));
    CHECK(!tmpl.register_placement(model.lookupIE("nothing"), &small));
    CHECK(!tmpl.register_placement(octets, static_cast<uint64_t*>(nullptr)));
    CHECK(!tmpl.register_placement(octets, &small));
    CHECK(!tmpl.register_placement(model.lookupIE("interfaceName"), text));
    CHECK(tmpl.register_placement(model.lookupIE("sourceIPv4Address"), &small));
    CHECK(!tmpl.register_placement(model.lookupIE("sourceIPv4Address"), &small, 3));
}

static void octet_arrays() {
    BasicOctetArray a("abc", 3), b(a), c;
    CHECK(a == b && a != c && c.get_length() == 0 && c.to_string().empty());
    c = a;
    b = std::move(c);
    CHECK(b.to_string() == "abc" && b.get_buf()[3] == 0);
    b.copy_content("", 0);
    CHECK(b.get_length() == 0);
}

int main(int argc, char** argv) {
    CHECK(argc == 2);
    elements();
    octet_arrays();

    Values values;
    values.octets = 70000;
    values.mac[0] = 2;
    values.mac[5] = 1;
    values.address[0] = 0x20;
    values.address[1] = 0x01;
    values.address[2] = 0x0d;
    values.address[3] = 0xb8;
    values.address[15] = 1;
    values.reliable = true;
    values.probability = 0.25;
    values.name = BasicOctetArray("eth0");
    PlacementTemplate tmpl;
    values.place(tmpl);

    // To a file, and to something that loses messages.
    int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    Memory memory;
    {
        FileExportDestination file(fd);
        PlacementExporter to_file(file, 1), to_memory(memory, 2);
        for (int i = 0; i < 10; i++) {
            to_file.place_values(&tmpl);
            to_memory.place_values(&tmpl);
        }
        to_file.flush();
        to_memory.flush();
        CHECK(memory.longest <= 200 && memory.messages == 3);
    }

    Collector collector;
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    FileInputSource file(fd);
    collector.collect(file);
    CHECK(collector.ends == 10);
    collector.collect(memory);
    CHECK(collector.ends == 20);

    // Exceptions of the program come through, those of the library are told apart.
    memory.at = 0;
    collector.stop_at = 23;
    bool thrown = false;
    try {
        collector.collect(memory);
    } catch (const std::runtime_error& error) {
        thrown = error.what() == std::string("enough");
    }
    CHECK(thrown && collector.ends == 23);
    memory.at = 0;
    memory.fails = true;
    thrown = false;
    try {
        collector.collect(memory);
    } catch (const std::runtime_error& error) {
        thrown = error.what() == std::string("fails");
    }
    CHECK(thrown && collector.ends == 33);
    memory.fails = false;
    memory.content.pop_back();
    memory.at = 0;
    CHECK(throws<FormatError>([&] { collector.collect(memory); }));
    memory.content = "this is no message";
    memory.at = 0;
    CHECK(throws<FormatError>([&] { collector.collect(memory); }));
    FileInputSource closed(-1);
    CHECK(throws<FormatError>([&] { collector.collect(closed); }));
    CHECK(close(fd) == 0);

    FileExportDestination nowhere(-1);
    PlacementExporter exporter(nowhere, 1);
    exporter.place_values(&tmpl);
    CHECK(throws<ExportError>([&] { exporter.flush(); }));
    CHECK(throws<ExportError>([&] { exporter.place_values(nullptr); }));
    CHECK(throws<ExportError>([&] { PlacementTemplate empty; exporter.place_values(&empty); }));
    values.name = BasicOctetArray("\xff");
    CHECK(throws<ExportError>([&] { exporter.place_values(&tmpl); }));
    values.name = BasicOctetArray("eth0");
    values.octets = 1 << 24;
    CHECK(throws<ExportError>([&] { exporter.place_values(&tmpl); }));
    memory.fails = true;
    PlacementExporter failing(memory, 1);
    values.octets = 1;
    failing.place_values(&tmpl);
    thrown = false;
    try {
        failing.flush();
    } catch (const std::runtime_error&) {
        thrown = true;
    }
    CHECK(thrown);
    memory.fails = false;
    memory.content.clear();
    failing.flush();
    CHECK(!memory.content.empty());
    return 0;
}
