/* As much of protobuf as registers the messages of generated code when it is loaded (descriptor.cc,
   generated_message_reflection.cc): LIBRARY is "define it here", which a static copy does, or a shared library. */
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

/* What `protoc` writes into each .pb.cc: an object whose initializer registers the file. */
namespace {
struct Registered {
    Registered(const void *encoded, int size)
    {
        google::protobuf::DescriptorPool::InternalAddGeneratedFile(encoded, size);
    }
};
}
