/*
 * ipfix.hpp: reading and writing IPFIX (RFC 7011) by placement, libfc's idea, in C++11. A layer over ipfix.h, which says in which form values
 * lie in memory. Link with -lweir_ipfix (pkg-config weir-ipfix).
 *
 * A collector is a class that registers templates, and is told when their places have been filled:
 *
 *     class MyCollector : public IPFIX::PlacementCollector {
 *     public:
 *         MyCollector() {
 *             flow.register_placement(IPFIX::InfoModel::instance().lookupIE("sourceIPv4Address"), &sip);
 *             register_placement_template(&flow);
 *         }
 *         void end_placement(const IPFIX::PlacementTemplate*) { std::cout << sip << '\n'; }
 *     private:
 *         IPFIX::PlacementTemplate flow;
 *         uint32_t sip;
 *     };
 *
 * An exporter sends what is in the places:
 *
 *     IPFIX::FileExportDestination d(fd);
 *     IPFIX::PlacementExporter exporter(d, 0x12344321);
 *     exporter.place_values(&flow);
 *     exporter.flush();
 */
#ifndef WEIR_IPFIX_HPP
#define WEIR_IPFIX_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "ipfix.h"

namespace IPFIX {

/* ---- Errors ---- */

/* What is wrong, in words. */
class Error : public std::exception {
public:
    explicit Error(std::string what) : text(std::make_shared<const std::string>(std::move(what))) {}
    const char* what() const noexcept override { return text->c_str(); }

private:
    /* Shared, so that an exception is copied without another one. */
    std::shared_ptr<const std::string> text;
};

inline std::ostream& operator<<(std::ostream& out, const Error& error) { return out << error.what(); }

/* Something that was read is not as it should be, or could not be read. */
class FormatError : public Error {
public:
    using Error::Error;
};

/* Something cannot be sent, or could not be written. */
class ExportError : public Error {
public:
    using Error::Error;
};

/* A text is not the specification of an information element. */
class IESpecError : public Error {
public:
    using Error::Error;
};


/* ---- Information elements ---- */

/* An information element. */
class InfoElement {
public:
    const std::string& name() const { return its_name; }
    uint32_t pen() const { return element.enterprise; }
    uint16_t number() const { return element.number; }
    /* Octets of its field: as specified, or as its type is; 65535 if it varies. */
    uint16_t len() const { return element.length; }
    /* Its type, by the numbers of RFC 5610. */
    unsigned type() const { return element.type; }
    /* Octets of its memory: see ipfix.h. */
    size_t memory_size() const { return element.memory; }
    /* What it was looked up by. */
    const std::string& specification() const { return its_specification; }

private:
    friend class InfoModel;
    InfoElement(const ipfix_element& found, std::string specification)
        : element(found), its_name(found.name), its_specification(std::move(specification)) {}

    ipfix_element element;
    std::string its_name;
    std::string its_specification;
};

/* The information elements that are known. */
class InfoModel {
public:
    static InfoModel& instance() {
        static InfoModel model;
        return model;
    }

    /*
     * The element of this name, whatever the case of its letters; null if there is none. Or that of a specification like
     * octetDeltaCount[4] or (8057/900); throws IESpecError if there is something wrong with it. Elements stay as long as the program runs.
     */
    const InfoElement* lookupIE(const std::string& specification) {
        const std::lock_guard<std::mutex> guard(lock);
        const auto known = elements.find(specification);
        if (known != elements.end()) return known->second.get();
        ipfix_element found;
        if (!ipfix_element_lookup(specification.c_str(), &found)) {
            if (specification.find_first_of("(<[{") != std::string::npos) throw IESpecError(ipfix_fault());
            return nullptr;
        }
        std::unique_ptr<InfoElement> element(new InfoElement(found, specification));
        return elements.emplace(specification, std::move(element)).first->second.get();
    }

    /* Adds an element: name(enterprise/number)<type>. Throws IESpecError if it is not specified so, or known as something else. */
    void add(const std::string& specification) {
        if (!ipfix_element_add(specification.c_str())) throw IESpecError(ipfix_fault());
    }

    InfoModel(const InfoModel&) = delete;
    InfoModel& operator=(const InfoModel&) = delete;

private:
    InfoModel() = default;

    std::mutex lock;
    std::map<std::string, std::unique_ptr<InfoElement>> elements;
};


/* ---- Placement templates ---- */

/* Octets of any number: the memory of strings, octet arrays and lists. */
class BasicOctetArray {
public:
    BasicOctetArray() noexcept : octets IPFIX_OCTETS_INIT {}
    BasicOctetArray(const void* from, size_t length) : BasicOctetArray() { copy_content(from, length); }
    explicit BasicOctetArray(const std::string& text) : BasicOctetArray(text.data(), text.size()) {}
    BasicOctetArray(const BasicOctetArray& other) : BasicOctetArray(other.get_buf(), other.get_length()) {}
    BasicOctetArray(BasicOctetArray&& other) noexcept : BasicOctetArray() { std::swap(octets, other.octets); }
    BasicOctetArray& operator=(BasicOctetArray other) noexcept {
        std::swap(octets, other.octets);
        return *this;
    }
    ~BasicOctetArray() { ipfix_octets_free(&octets); }

    /* Makes it a copy of these octets, which do not lie in it. */
    void copy_content(const void* from, size_t length) {
        if (!ipfix_octets_assign(&octets, from, length)) throw std::bad_alloc();
    }

    size_t get_length() const { return octets.length; }
    const uint8_t* get_buf() const { return octets.octets; }
    std::string to_string() const {
        return octets.length ? std::string(reinterpret_cast<const char*>(octets.octets), octets.length) : std::string();
    }

    friend bool operator==(const BasicOctetArray& a, const BasicOctetArray& b) { return a.to_string() == b.to_string(); }
    friend bool operator!=(const BasicOctetArray& a, const BasicOctetArray& b) { return !(a == b); }

private:
    /* The only member, and nothing is virtual: its address is that of the array. */
    ipfix_octets octets;
};

/* Which information elements are wanted, or sent, and where they lie. */
class PlacementTemplate {
public:
    PlacementTemplate() : handle(ipfix_template_new()) {
        if (!handle) throw std::bad_alloc();
    }
    virtual ~PlacementTemplate() { ipfix_template_delete(handle); }
    PlacementTemplate(const PlacementTemplate&) = delete;
    PlacementTemplate& operator=(const PlacementTemplate&) = delete;

    /*
     * Registers memory for an information element: see ipfix_register_placement. Strings, octet arrays and lists have a BasicOctetArray. Answers
     * whether it was registered; not if one of both is null, or values of the element cannot be so long.
     */
    bool register_placement(const InfoElement* ie, void* p, size_t size = 0) {
        return ie && ipfix_register_placement(handle, ie->specification().c_str(), p, size);
    }

    /* The same, where the compiler knows how large the memory is: what is not as the element needs it is not registered. */
    template <typename T>
    bool register_placement(const InfoElement* ie, T* p, size_t size = 0) {
        static_assert(!std::is_const<T>::value, "values are put there");
        if (!ie) return false;
        const size_t memory = ie->memory_size();
        const bool is_array_of_octets = sizeof(T) == 1 && (memory == 6 || memory == 16);
        return (sizeof(T) == memory || is_array_of_octets) && register_placement(ie, static_cast<void*>(p), size);
    }

private:
    friend class PlacementCollector;
    friend class PlacementExporter;

    ipfix_template_t* handle;
};


/* ---- Collecting ---- */

/* Where messages come from. */
class InputSource {
public:
    virtual ~InputSource() = default;
    /* Reads up to so many octets; answers how many, 0 at the end, or -1 with errno. */
    virtual ssize_t read(uint8_t* octets, size_t length) = 0;
};

/* A file, a pipe or a connection. It is not closed. */
class FileInputSource : public InputSource {
public:
    explicit FileInputSource(int descriptor) : fd(descriptor) {}
    ssize_t read(uint8_t* octets, size_t length) override { return ::read(fd, octets, length); }

private:
    int fd;
};

/* Reads messages, and places their records. */
class PlacementCollector {
public:
    virtual ~PlacementCollector() = default;

    /* Before and after a record is placed by this template, one of those that were registered. Exceptions leave collect. */
    virtual void start_placement(const PlacementTemplate*) {}
    virtual void end_placement(const PlacementTemplate*) {}

    /*
     * Reads to the end of the input. A record goes to the first template that was registered of those all of whose elements it has. What an
     * exporter has told of its templates holds for one call. Throws FormatError if something was wrong; if that was in a part of a
     * message, when all has been read.
     */
    void collect(InputSource& is) {
        Call call = {this, &is, nullptr};
        const ipfix_collecting how = {&call, &Call::read, &Call::start, &Call::end};
        std::vector<ipfix_template_t*> handles;
        for (const PlacementTemplate* tmpl : templates) handles.push_back(tmpl->handle);
        /* An empty vector may have no octets. */
        handles.push_back(nullptr);
        const int is_right = ipfix_collect(&how, handles.data(), templates.size());
        if (call.thrown) std::rethrow_exception(call.thrown);
        if (!is_right) throw FormatError(ipfix_fault());
    }

protected:
    /* Registers a template, which has to stay as long as something is collected. Specific ones come before general ones. */
    void register_placement_template(const PlacementTemplate* tmpl) {
        if (tmpl) templates.push_back(tmpl);
    }

private:
    /* What C calls: exceptions wait here until it has returned. */
    struct Call {
        PlacementCollector* collector;
        InputSource* source;
        std::exception_ptr thrown;

        static ssize_t read(void* context, uint8_t* octets, size_t length) {
            Call* call = static_cast<Call*>(context);
            ssize_t count = -1;
            if (!call->safely([&] { count = call->source->read(octets, length); })) errno = ECANCELED;
            return count;
        }
        static int start(void* context, size_t which) {
            Call* call = static_cast<Call*>(context);
            return call->safely([&] { call->collector->start_placement(call->collector->templates[which]); });
        }
        static int end(void* context, size_t which) {
            Call* call = static_cast<Call*>(context);
            return call->safely([&] { call->collector->end_placement(call->collector->templates[which]); });
        }

        template <typename What>
        bool safely(What what) {
            try {
                what();
                return true;
            } catch (...) {
                thrown = std::current_exception();
                return false;
            }
        }
    };

    std::vector<const PlacementTemplate*> templates;
};


/* ---- Exporting ---- */

/* Where messages go. */
class ExportDestination {
public:
    virtual ~ExportDestination() = default;
    /* Takes octets of one message; answers how many were taken, or -1 with errno. */
    virtual ssize_t write(const uint8_t* octets, size_t length) = 0;
    /* Whether messages may get lost: then each tells its templates. */
    virtual bool is_connectionless() const { return false; }
    /* Octets of the longest message. */
    virtual size_t preferred_maximum_message_size() const { return 65535; }
};

/* A file, a pipe or a connection. It is not closed. */
class FileExportDestination : public ExportDestination {
public:
    explicit FileExportDestination(int descriptor) : fd(descriptor) {}
    ssize_t write(const uint8_t* octets, size_t length) override { return ::write(fd, octets, length); }

private:
    int fd;
};

/* Sends what is in the places of templates. */
class PlacementExporter {
public:
    /* The destination has to stay as long as the exporter. Throws ExportError if its messages would be too short. */
    PlacementExporter(ExportDestination& destination, uint32_t observation_domain) : call{&destination, nullptr} {
        handle = ipfix_placement_exporter_new_to(&call, &Call::write, observation_domain,
                                                 destination.preferred_maximum_message_size(),
                                                 destination.is_connectionless());
        if (!handle) throw ExportError(ipfix_fault());
    }
    /* Writes all records, as far as it goes. */
    ~PlacementExporter() { ipfix_placement_exporter_delete(handle); }
    PlacementExporter(const PlacementExporter&) = delete;
    PlacementExporter& operator=(const PlacementExporter&) = delete;

    /* Puts a record of the values that are in the places of the template now. Throws ExportError if it cannot be sent. */
    void place_values(const PlacementTemplate* tmpl) { check(ipfix_place_values(handle, tmpl ? tmpl->handle : nullptr)); }

    /* Writes all records. Throws ExportError if they could not be written; they are tried again. */
    void flush() { check(ipfix_placement_exporter_flush(handle)); }

private:
    /* What C calls: exceptions wait here until it has returned. */
    struct Call {
        ExportDestination* destination;
        std::exception_ptr thrown;

        static ssize_t write(void* context, const uint8_t* octets, size_t length) {
            Call* call = static_cast<Call*>(context);
            try {
                return call->destination->write(octets, length);
            } catch (...) {
                call->thrown = std::current_exception();
                errno = ECANCELED;
                return -1;
            }
        }
    };

    void check(int is_right) {
        if (call.thrown) {
            std::exception_ptr thrown;
            std::swap(thrown, call.thrown);
            std::rethrow_exception(thrown);
        }
        if (!is_right) throw ExportError(ipfix_fault());
    }

    Call call;
    ipfix_placement_exporter_t* handle;
};

}  // namespace IPFIX

#endif
