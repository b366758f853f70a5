# Source and packages; everything ends up in build/packages.
#   make dist    the source tarball of the last commit, the same bytes each time
#   make deb     Debian packages and lintian's opinion (DEB_BUILD_OPTIONS is passed on)
#   make rpm     an RPM, built without asking whether its build dependencies are RPMs
#   make check-package   the packages under piuparts, autopkgtest, rpm and a real Docker; some minutes, as root
PACKAGES := build/packages
.PHONY: dist deb deb-quick rpm check-package
dist:
	packaging/dist $(PACKAGES)
deb:
	packaging/deb $(PACKAGES)
# Packs the programs that are built already: for tests of the package.
deb-quick: build
	packaging/deb --prebuilt $(BUILD) $(PACKAGES)/quick
rpm:
	packaging/rpm/build $(PACKAGES)
# PARTS="piuparts rpm" does only these.
check-package: build
	$(if $(CLASP_NO_SETUP),,tools/setup shipping)
	tests/package/run $(BUILD) $(PARTS)
