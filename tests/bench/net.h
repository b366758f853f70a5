// Sockets, time and small text helpers for the benchmark programs. Loopback only; never used by the
// daemon or its tests. What cannot be repaired (no socket, no epoll) ends the program with a
// message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace clasp::bench {

std::int64_t now_ns();

[[noreturn]] void die(const std::string& what);

// A non-blocking listening socket on 127.0.0.1.
int listen_on(std::uint16_t port);

// A non-blocking socket connected to 127.0.0.1, or -1 with errno set. On loopback connect() ends at
// once: either the listener's queue took us or nobody listens.
int connect_to(std::uint16_t port);

// Raises the limit of open files as far as the hard limit allows.
void raise_file_limit();

// Arms `fd` in `epoll_fd` for the events; `data` comes back with them.
void watch(int epoll_fd, int fd, std::uint32_t events, void* data, bool change = false);

bool equals_ignoring_case(std::string_view a, std::string_view b);

// The value of a header inside a head ("GET …\r\nName: value\r\n…"), empty when it is absent.
std::string_view header_value(std::string_view head, std::string_view name);

}  // namespace clasp::bench
