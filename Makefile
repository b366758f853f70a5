# CLASP's build. configure.ac only probes; this file says what is built from what.
#   make            build the programs            make run     the daemon, demo backend if no key is set
#   make test       everything that is tested     make bench   cost against nginx
#   make chaos      ten minutes of failing backends (CHAOS_SECONDS=600, CHAOS_SEED=...)
# SANITIZE=address,undefined or thread builds into a folder of its own.

.DEFAULT_GOAL := build
SHELL := /bin/bash

# Goals that must work on a bare machine install what they need before config.mk is made.
SETUP_test := test
SETUP_chaos := test
SETUP_bench := bench
SETUP_fuzz := fuzz
SETUP_lint := lint
SETUP_deb := package
SETUP_rpm := package
SETUP_npm := npm
setup_groups := build $(foreach goal,$(MAKECMDGOALS),$(SETUP_$(firstword $(subst -, ,$(goal)))))
no_config_goals := clean distclean help fmt docker docker-run docker-stop
# Another one is made for each processor that packaging/cross.mk builds for.
CONFIG ?= config.mk
ifneq ($(filter-out $(no_config_goals),$(or $(MAKECMDGOALS),build)),)
  ifeq ($(CLASP_NO_SETUP),)
    $(if $(filter 0,$(shell tools/setup $(setup_groups) >&2; echo $$?)),,$(error setup failed, see above))
  endif
  include $(CONFIG)
endif

configure: configure.ac VERSION
	autoconf --force

config.mk: configure config.mk.in
	./configure --quiet $(CONFIGURE_FLAGS)

# As many jobs as there are cores unless -j says something else.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
  MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

# V=1 shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1) $(2)')

# ---- flavours --------------------------------------------------------------------------------
comma := ,
SANITIZE ?=
OPT ?= -O2
BUILD ?= build/$(if $(SANITIZE),$(subst $(comma),-,$(SANITIZE)),default)
CPPFLAGS += -Isrc -DCLASP_VERSION='"$(VERSION)"' $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) \
	$(SYSTEMD_CFLAGS) $(OPENSSL_CFLAGS) $(SIMDJSON_CFLAGS)
WARNINGS := -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Werror=return-type \
	-Werror=switch
CXXFLAGS += -std=c++20 $(OPT) -g $(WARNINGS) -fstack-protector-strong -fPIE
LDFLAGS += -pie -Wl,-z,relro,-z,now -Wl,--as-needed
ifneq ($(SANITIZE),)
  OPT := -O1
  CXXFLAGS += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
  LDFLAGS += -fsanitize=$(SANITIZE)
else ifeq ($(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CXXFLAGS)),)
  # Who builds a package may have asked for more.
  CXXFLAGS += -D_FORTIFY_SOURCE=2
endif

# ---- two libraries ---------------------------------------------------------------------------
# core: decisions; links without libevent, libevhtp, libssl and libsystemd. daemon: deeds.
core_src := $(wildcard src/base/*.cc src/config/*.cc src/core/*/*.cc src/control/*.cc)
daemon_src := $(filter-out src/daemon/main.cc,$(wildcard src/daemon/*.cc))
ctl_src := $(filter-out src/ctl/main.cc,$(wildcard src/ctl/*.cc))
obj = $(patsubst %.cc,$(BUILD)/%.o,$(1))
core_lib := $(BUILD)/libclasp-core.a
daemon_lib := $(BUILD)/libclasp-daemon.a
ctl_lib := $(BUILD)/libclasp-ctl.a
core_libs := $(SIMDJSON_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) -linih
ctl_libs := $(CURL_LIBS)
daemon_libs := -levhtp $(LIBEVENT_LIBS) $(OPENSSL_LIBS) $(SYSTEMD_LIBS) -lprometheus-cpp-core -lpthread

programs := $(BUILD)/clasp $(BUILD)/claspctl
.PHONY: build
build: $(programs)

$(BUILD)/%.o: %.cc $(CONFIG)
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CCACHE) $(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@

$(core_lib): $(call obj,$(core_src))
$(daemon_lib): $(call obj,$(daemon_src))
$(ctl_lib): $(call obj,$(ctl_src))
$(core_lib) $(daemon_lib) $(ctl_lib):
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

# Its functions take the place of the C library's malloc; the sanitizers have their own.
allocator := $(if $(SANITIZE),,$(MIMALLOC_LIBS))
$(BUILD)/clasp: $(BUILD)/src/daemon/main.o $(daemon_lib) $(core_lib)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(LDFLAGS) $^ $(allocator) $(daemon_libs) $(core_libs) -o $@

$(BUILD)/claspctl: $(BUILD)/src/ctl/main.o $(ctl_lib) $(core_lib)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(LDFLAGS) $^ $(ctl_libs) $(core_libs) -o $@

# ---- tests -----------------------------------------------------------------------------------
# Unit tests of the core link without the I/O libraries: the linker proves that it is pure.
unit_core_src := $(shell find tests/unit/base tests/unit/config tests/unit/core tests/unit/control -name '*.cc' 2>/dev/null)
unit_daemon_src := $(wildcard tests/unit/daemon/*.cc tests/unit/ctl/*.cc)
replay_src := $(wildcard tests/replay/*.cc)
test_main := $(BUILD)/tests/unit/main.o

$(BUILD)/unit-core: $(test_main) $(call obj,$(unit_core_src)) $(core_lib)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(LDFLAGS) $^ $(core_libs) -o $@
$(BUILD)/unit-daemon: $(test_main) $(call obj,$(unit_daemon_src)) $(ctl_lib) $(daemon_lib) $(core_lib)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(LDFLAGS) $^ $(ctl_libs) $(daemon_libs) $(core_libs) -o $@
$(BUILD)/replay: $(test_main) $(call obj,$(replay_src)) $(core_lib)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(LDFLAGS) $^ $(core_libs) -o $@

# `make $(BUILD)/only/unit/core/wire/sse_test` links one unit file alone, for quick work.
$(BUILD)/only/%: $(test_main) $(BUILD)/tests/%.o $(core_lib)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(LDFLAGS) $^ $(core_libs) -o $@

.PHONY: test check units
units: $(BUILD)/unit-core $(BUILD)/unit-daemon $(BUILD)/replay
check: units
	tests/run --units $(BUILD)
test: build units
	tests/run $(BUILD)
# The tree of the machine that tests/boot boots is fetched while the rest is built.
ifeq ($(SANITIZE),)
.PHONY: boot-tree
boot-tree:
	@tests/boot/tree </dev/null >/dev/null 2>&1 &
test: boot-tree
endif

# The daemon among failing backends; CHAOS_SECONDS, CHAOS_CLIENTS and CHAOS_SEED are read.
.PHONY: chaos
chaos: build
	CLASP_BIN=$(BUILD)/clasp tests/system/run --chaos

# ---- what is shipped: cross builds, containers, npm ---------------------------------------------
include packaging/cross.mk packaging/npm.mk packaging/containers.mk

# ---- running ---------------------------------------------------------------------------------
.PHONY: run
RUN_FLAGS ?=
run: build
	exec $(BUILD)/clasp -demo-if-unconfigured $(RUN_FLAGS)

# ---- measuring -------------------------------------------------------------------------------
-include tests/bench/bench.mk
.PHONY: bench
bench: build $(bench_programs)
	CLASP_BIN=$(BUILD)/clasp BENCH_DIR=$(BUILD)/bench tests/bench/run $(BENCH_FLAGS)

# ---- fuzzing: clang builds the core once more, each target runs FUZZ_SECONDS ---------------------
FUZZ_SECONDS ?= 20
fuzz_targets := $(patsubst tests/fuzz/%_fuzz.cc,%,$(wildcard tests/fuzz/*_fuzz.cc))
FUZZ_BUILD := build/fuzz
fuzz_flags := -std=c++20 -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer
$(FUZZ_BUILD)/%.o: %.cc config.mk
	@mkdir -p $(@D)
	$(call say,CLANG,$<)
	$(Q)$(CCACHE) clang++ $(CPPFLAGS) $(fuzz_flags) -MMD -MP -c $< -o $@
$(FUZZ_BUILD)/%_fuzz: $(FUZZ_BUILD)/tests/fuzz/%_fuzz.o $(patsubst %.cc,$(FUZZ_BUILD)/%.o,$(core_src))
	clang++ -fsanitize=fuzzer,address,undefined $^ $(core_libs) -o $@
.PHONY: fuzz
fuzz: $(fuzz_targets:%=$(FUZZ_BUILD)/%_fuzz)
	tests/fuzz/run $(FUZZ_BUILD) $(FUZZ_SECONDS) $(fuzz_targets)
.PRECIOUS: $(FUZZ_BUILD)/%.o

# ---- keeping it clean ----------------------------------------------------------------------------
sources := $(shell find src tests -name node_modules -prune -o \( -name '*.cc' -o -name '*.h' \) -print 2>/dev/null)
scripts := tools/setup tools/get-promtool tools/get-o200k tests/run .ci/run $(wildcard tests/fuzz/run) packaging/dist packaging/deb \
	packaging/rpm/build $(addprefix tests/boot/,run tree machine next-version checks.sh lib.sh) $(wildcard tests/package/*) \
	$(addprefix packaging/,bundle bundle-start.sh sysroot archive container/engine container/rootfs npm/pack npm/bin/program.sh) \
	tests/system/lib/container.sh
.PHONY: lint fmt generate
lint: build
	tools/check-layers
	tools/check-size
	tools/check-proofs
	tools/check-translation
	tools/check-text
	tools/check-generated $(BUILD)/clasp
	@clang-format --dry-run --Werror $(sources)
	shellcheck $(scripts)
	for page in man/*.[0-9]; do mandoc -T lint -W warning $$page || exit 1; done
fmt:
	@clang-format -i $(sources)
# Rewrites what is made from the option table: sample file, man sections, completions.
generate: build
	tools/check-generated --update $(BUILD)/clasp

# ---- the vocabulary of OpenAI's models --------------------------------------------------------------
# `make vocabulary` fetches it with npm, once; what is made and installed afterwards has it. A build never
# needs it, nor the network for it.
pkgdatadir := $(datarootdir)/clasp
vocabulary := $(wildcard $(addprefix build/share/clasp/o200k_base.,tiktoken LICENSE))
.PHONY: vocabulary
vocabulary:
	tools/get-o200k build/share/clasp

# ---- installing ----------------------------------------------------------------------------------
INSTALL := install
zshcompletionsdir := $(datarootdir)/zsh/site-functions
units := clasp.service clasp@.service clasp.socket clasp@.socket clasp-control.socket clasp-control@.socket
.PHONY: install uninstall
install: build
	$(INSTALL) -D -m 755 $(BUILD)/clasp $(DESTDIR)$(bindir)/clasp
	$(INSTALL) -D -m 755 $(BUILD)/claspctl $(DESTDIR)$(bindir)/claspctl
	for page in claspctl.1 clasp.conf.5 clasp-control.7 clasp.8; do \
		$(INSTALL) -D -m 644 man/$$page $(DESTDIR)$(mandir)/man$${page##*.}/$$page || exit 1; done
	for name in clasp claspctl; do \
		$(INSTALL) -D -m 644 completions/$$name.bash $(DESTDIR)$(completionsdir)/$$name && \
		$(INSTALL) -D -m 644 completions/_$$name $(DESTDIR)$(zshcompletionsdir)/_$$name || exit 1; done
	@# An edited configuration is never overwritten.
	test -e $(DESTDIR)$(sysconfdir)/clasp/clasp.conf || \
		$(INSTALL) -D -m 640 etc/clasp.conf $(DESTDIR)$(sysconfdir)/clasp/clasp.conf
	$(INSTALL) -d -m 700 $(DESTDIR)$(sysconfdir)/clasp/keys.d
	$(INSTALL) -d $(DESTDIR)$(systemdsystemunitdir)
	@# One text for the daemon and for its instances.
	places='s|@bindir@|$(bindir)|g; s|@sysconfdir@|$(sysconfdir)|g; 1,2d'; \
	sed -e "$$places" -e '/^@many@/d; s/^@one@//' systemd/clasp.service.in >$(DESTDIR)$(systemdsystemunitdir)/clasp.service && \
	sed -e "$$places" -e '/^@one@/d; s/^@many@//' systemd/clasp.service.in >$(DESTDIR)$(systemdsystemunitdir)/clasp@.service
	$(INSTALL) -m 644 $(filter %.socket,$(units:%=systemd/%)) $(DESTDIR)$(systemdsystemunitdir)
	$(INSTALL) -D -m 644 systemd/clasp.sysusers $(DESTDIR)$(sysusersdir)/clasp.conf
	$(INSTALL) -D -m 644 systemd/clasp.tmpfiles $(DESTDIR)$(tmpfilesdir)/clasp.conf
	$(INSTALL) -D -m 755 tools/get-o200k $(DESTDIR)$(pkgdatadir)/get-o200k
	$(if $(vocabulary),$(INSTALL) -m 644 $(vocabulary) $(DESTDIR)$(pkgdatadir))
# The configuration stays.
uninstall:
	rm -f $(DESTDIR)$(bindir)/clasp $(DESTDIR)$(bindir)/claspctl \
		$(DESTDIR)$(mandir)/man1/claspctl.1 $(DESTDIR)$(mandir)/man7/clasp-control.7 $(DESTDIR)$(mandir)/man8/clasp.8 \
		$(DESTDIR)$(mandir)/man5/clasp.conf.5 $(addprefix $(DESTDIR)$(completionsdir)/,clasp claspctl) \
		$(addprefix $(DESTDIR)$(zshcompletionsdir)/,_clasp _claspctl) $(addprefix $(DESTDIR)$(systemdsystemunitdir)/,$(units)) \
		$(DESTDIR)$(sysusersdir)/clasp.conf $(DESTDIR)$(tmpfilesdir)/clasp.conf \
		$(addprefix $(DESTDIR)$(pkgdatadir)/,get-o200k o200k_base.tiktoken o200k_base.LICENSE)
	rmdir $(DESTDIR)$(pkgdatadir) 2>/dev/null || true

-include packaging/packages.mk

.PHONY: help
help:
	@sed -n 's/^#   //p' Makefile

.PHONY: clean distclean
clean:
	rm -rf build
distclean: clean
	rm -rf configure config.mk config.log config.status autom4te.cache

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
