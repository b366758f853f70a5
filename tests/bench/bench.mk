# The helper programs of the benchmark: a mock backend and a load generator. They need nothing but
# the C++ library, and share no code with the daemon, so that a fault of the one cannot hide in the other.
# `count` measures a part of the daemon by itself.
bench_dir := $(BUILD)/bench
bench_helpers := $(bench_dir)/mock-backend $(bench_dir)/load
bench_programs := $(bench_helpers) $(bench_dir)/count

.PHONY: bench-programs
bench-programs: $(bench_programs)

$(bench_dir)/mock-backend: $(addprefix $(BUILD)/tests/bench/,mock_backend.o net.o)
$(bench_dir)/load: $(addprefix $(BUILD)/tests/bench/,load.o load_options.o load_hold.o load_start.o reply.o net.o)
$(bench_helpers):
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@
$(bench_dir)/count: $(BUILD)/tests/bench/count.o $(core_lib)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ $(core_libs) -o $@
