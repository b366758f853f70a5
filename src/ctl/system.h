// What claspctl asks of the operating system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clasp::ctl {

// See World.
std::string why_not_listen(const std::string& address, std::uint16_t port);
std::string socket_unit_at(const std::string& address, std::uint16_t port);
// The same in what systemctl list-sockets says: lines of an address, a unit and what it starts.
std::string find_socket_unit(std::string_view list, const std::string& address, std::uint16_t port);
bool clock_is_synchronised();
std::string working_folder();
std::string run_program(const std::string& program, const std::vector<std::string>& arguments,
                        const std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace clasp::ctl
