# make build-all: relocatable trees and archives of all processors under build/all/.
#   ALL_ARCHES="amd64 arm64"   which, as Debian names them; the machine's own is built as always, the
#                              others with Debian's cross compilers against a folder of their packages
#   make check-arm64           builds arm64, starts it in an emulator and asks it something

ALL_ARCHES ?= amd64 arm64
own_arch := $(shell dpkg --print-architecture 2>/dev/null)
triplet_amd64 := x86_64-linux-gnu
triplet_arm64 := aarch64-linux-gnu
SYSROOTS ?= build/sysroot
cross_build = build/cross/$(1)
tree = build/all/linux-$(1)
archive = build/all/clasp-$(VERSION)-linux-$(1).tar.gz

.PHONY: build-all $(ALL_ARCHES:%=build-%) check-arm64
build-all: $(ALL_ARCHES:%=build-%)

$(filter build-$(own_arch),$(ALL_ARCHES:%=build-%)): build-%: build
	$(Q)packaging/bundle $(BUILD) $(call tree,$*)
	$(Q)packaging/archive $(call tree,$*) $(call archive,$*)

# The recursion has the compiler, the flags and the folder of the other processor.
$(filter-out build-$(own_arch),$(ALL_ARCHES:%=build-%)): build-%: build/cross/%/config.mk
	+$(Q)CLASP_NO_SETUP=1 $(MAKE) CONFIG=$< BUILD=$(call cross_build,$*) OPT='$(OPT)' build
	$(Q)packaging/bundle $(call cross_build,$*) $(call tree,$*) $(SYSROOTS)/$*
	$(Q)packaging/archive $(call tree,$*) $(call archive,$*)

$(SYSROOTS)/%/packages:
	tools/setup cross
	packaging/sysroot $* $(@D)

build/cross/%/config.mk: $(SYSROOTS)/%/packages configure config.mk.in
	@mkdir -p $(@D)
	$(Q)root=$$(realpath $(SYSROOTS)/$*) triplet=$(triplet_$*) && cd $(@D) && \
	  PKG_CONFIG_SYSROOT_DIR=$$root \
	  PKG_CONFIG_LIBDIR=$$root/usr/lib/$$triplet/pkgconfig:$$root/usr/share/pkgconfig \
	  ../../../configure --quiet --host=$$triplet CXX="$$triplet-g++ --sysroot=$$root" PKG_CONFIG=pkg-config $(CONFIGURE_FLAGS)
.PRECIOUS: build/cross/%/config.mk $(SYSROOTS)/%/packages

check-arm64: build-arm64
	CLASP_BIN=$(abspath $(BUILD)/clasp) CLASP_TEST_ARM64=must tests/system/run arm64
