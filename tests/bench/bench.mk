# The helper programs of the benchmark: a mock backend and a load generator. They need nothing but
# the C++ library, and share no code with the daemon, so that a fault of the one cannot hide in the other.
bench_dir := $(BUILD)/bench
bench_programs := $(bench_dir)/mock-backend $(bench_dir)/load

.PHONY: bench-programs
bench-programs: $(bench_programs)

$(bench_dir)/mock-backend: $(addprefix $(BUILD)/tests/bench/,mock_backend.o net.o)
$(bench_dir)/load: $(addprefix $(BUILD)/tests/bench/,load.o load_options.o load_hold.o load_start.o reply.o net.o)
$(bench_programs):
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $^ -o $@
