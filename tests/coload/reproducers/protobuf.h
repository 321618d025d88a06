/* As much of protobuf as registers the messages of generated code when it is loaded (descriptor.cc,
   generated_message_reflection.cc); with GENERATED_ONLY, what a user of a shared library has of it. */
namespace google {
namespace protobuf {
struct DescriptorPool {
    static void InternalAddGeneratedFile(const void *encoded, int size);
};
}
}

#ifndef GENERATED_ONLY
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

namespace google {
namespace protobuf {
static std::set<std::string> &generated_database()
{
    static auto *database = new std::set<std::string>;
    return *database;
}

void DescriptorPool::InternalAddGeneratedFile(const void *encoded, int size)
{
    std::string name(static_cast<const char *>(encoded), size);
    if (!generated_database().insert(name).second) {
        std::fprintf(stderr, "File already exists in database: %s\n", name.c_str());
        std::abort();  // GOOGLE_CHECK(GeneratedDatabase()->Add(...)), in an initializer: nobody catches it
    }
}
}
}
#endif

/* What `protoc` writes into each .pb.cc: a table, and an object whose initializer registers it. */
namespace {
struct AddDescriptorsRunner {
    AddDescriptorsRunner(const char *encoded, int size)
    {
        google::protobuf::DescriptorPool::InternalAddGeneratedFile(encoded, size);
    }
};
}

#define GENERATED(identifier, name)                                                                          \
    extern const char descriptor_table_##identifier[] = name;                                                \
    static AddDescriptorsRunner dynamic_init_dummy(descriptor_table_##identifier, sizeof name - 1);
