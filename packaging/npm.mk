# make npm: the package clasp-ai as build/npm/clasp-ai-VERSION.tgz, for `npx` and `npm install`.
#   NPM_ARCHES="amd64 arm64"   the processors that it has programs for (default: this machine's)

NPM_ARCHES ?= $(own_arch)
.PHONY: npm
npm: $(NPM_ARCHES:%=build-%)
	$(Q)packaging/npm/pack build/npm $(foreach arch,$(NPM_ARCHES),$(arch)=$(call tree,$(arch)))
