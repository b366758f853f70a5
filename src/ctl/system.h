// What claspctl asks of the operating system.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace clasp::ctl {

// See World.
std::string why_not_listen(const std::string& address, std::uint16_t port);
bool clock_is_synchronised();
std::string run_program(const std::string& program, const std::vector<std::string>& arguments,
                        const std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace clasp::ctl
