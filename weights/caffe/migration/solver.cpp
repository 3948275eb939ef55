#include "weights/caffe/migration/solver.h"

#include <algorithm>

#include "weights/content.h"

namespace tandem {
namespace {

using caffe::SolverParameter;

constexpr int kMostBatches = 64;  // pairs.accumulate

std::string type_of(const SolverParameter& solver) {
  static constexpr const char* kOld[] = {"SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"};
  return solver.has_solver_type() && !solver.has_type() ? kOld[solver.solver_type()] : solver.type();
}

class SolverMigration {
 public:
  SolverMigration(const SolverParameter& solver, CaffeNotes& notes) : solver_(solver), notes_(notes) {}

  void run(const std::string& weights) {
    migrate_machine();
    migrate_start(weights);
    migrate_optimizer();
    migrate_regularization();
    migrate_schedule();
    migrate_saving();
    migrate_testing();
    notes_.list_unknown();
  }

 private:
  static std::vector<Prototxt::Step> at(const char* field, int index = -1) { return {{field, index}}; }

  void migrate_machine() {
    auto& config = notes_.config();
    if (solver_.random_seed() >= 0) config["seed"] = solver_.random_seed();
    if (solver_.solver_mode() == SolverParameter::CPU)
      config["device"] = "cpu";
    else if (solver_.has_device_id())
      config["device"] = fmt::format("cuda:{}", solver_.device_id());
  }

  void migrate_start(const std::string& weights) {
    const std::string& own = solver_.weights_size() > 0 ? solver_.weights(0) : std::string();
    if (!weights.empty() || !own.empty())
      notes_.config()["model"]["weights"] = config_text(weights.empty() ? own : weights);
    for (int i = weights.empty() ? 1 : 0; i < solver_.weights_size(); ++i)
      notes_.missing(at("weights", i), fmt::format("weights \"{}\": a run starts from one file", solver_.weights(i)));
  }

  // --- The optimizer ---

  void migrate_optimizer() {
    auto& optimizer = notes_.config()["optimizer"];
    const std::string type = type_of(solver_);
    const char* at_type = solver_.has_type() ? "type" : "solver_type";
    const double momentum = notes_.number(solver_.momentum(), "momentum");
    if (type == "Adam") {
      optimizer["type"] = "adam";
      take_rate(optimizer);
      optimizer["betas"] = {momentum, notes_.number(solver_.momentum2(), "momentum2")};
      optimizer["eps"] = notes_.number(solver_.delta(), "delta");
      notes_.differs(at(at_type),
                     "type \"Adam\": in the first steps delta counts for less than in Caffe, which does not "
                     "divide it by the bias correction");
    } else if (type == "RMSProp") {
      optimizer["type"] = "rmsprop_tf";
      take_rate(optimizer);
      optimizer["momentum"] = 0;
      optimizer["rmsprop_tf"] = {{"alpha", notes_.number(solver_.rms_decay(), "rms_decay")},
                                 {"eps", notes_.number(solver_.delta(), "delta")}};
      notes_.differs(at(at_type),
                     "type \"RMSProp\": the mean square begins at 1, not at 0, and delta is added below the "
                     "root");
    } else {
      const bool nesterov = type == "Nesterov";
      if (!nesterov && type != "SGD")
        notes_.missing(at(at_type), fmt::format("type \"{}\": optimizer.type is \"sgd\" in its place", type));
      optimizer["type"] = "sgd";
      take_rate(optimizer);
      optimizer["momentum"] = momentum;
      optimizer["nesterov"] = nesterov && momentum > 0;
      if (momentum > 0 && solver_.lr_policy() != "fixed")
        notes_.differs(at("momentum"),
                       "momentum: Caffe multiplies each gradient by the rate of its own step, Tandem all "
                       "of them by the rate of this step; they differ for some steps after the rate falls");
    }
    if (solver_.clip_gradients() > 0) {
      // Caffe clips the sum over iter_size batches, and divides it then.
      optimizer["clip_norm"] =
          notes_.number(solver_.clip_gradients() / static_cast<float>(std::max<std::int64_t>(solver_.iter_size(), 1)),
                        "clip_gradients");
    }
    if (solver_.iter_size() < 1)
      refuse_file(notes_.text().path(), "iter_size is {}, expected at least 1", solver_.iter_size());
    notes_.draft().batches_a_step = solver_.iter_size();
    if (solver_.iter_size() > kMostBatches)
      notes_.todo(at("iter_size"), fmt::format("iter_size {}: tandem-train accumulates at most {} batches",
                                               solver_.iter_size(), kMostBatches));
    if (solver_.iter_size() > 1) notes_.config()["pairs"]["accumulate"] = solver_.iter_size();
  }

  void take_rate(nlohmann::ordered_json& optimizer) {
    optimizer["lr"] = notes_.number(solver_.base_lr(), "base_lr");
    if (!solver_.has_base_lr()) notes_.todo({}, "base_lr is missing: optimizer.lr is 0");
  }

  void migrate_regularization() {
    notes_.config()["optimizer"]["weight_decay"] = notes_.number(solver_.weight_decay(), "weight_decay");
    if (solver_.regularization_type() == "L2" || solver_.weight_decay() == 0) return;
    notes_.config()["optimizer"]["weight_decay"] = 0;
    notes_.missing(at("regularization_type"), fmt::format("regularization_type \"{}\": optimizer.weight_decay is 0",
                                                          solver_.regularization_type()));
  }

  // --- The schedule ---

  void migrate_schedule() {
    const std::string policy = solver_.lr_policy();
    auto& schedule = notes_.config()["schedule"];
    schedule["warmup"] = 0;
    const double gamma = notes_.number(solver_.gamma(), "gamma"), power = notes_.number(solver_.power(), "power");
    if (policy == "step" && reaches(solver_.stepsize())) {
      schedule["type"] = "constant";
      notes_.differs(at("stepsize"),
                     fmt::format("stepsize {}: the rate would fall after the last step", solver_.stepsize()));
    } else if (policy == "step") {
      schedule.update({{"type", "step"}, {"period", solver_.stepsize()}, {"unit", "steps"}, {"gamma", gamma}});
      needs("stepsize", solver_.stepsize() > 0, policy);
    } else if (policy == "multistep") {
      const std::vector<std::int64_t> all = milestones();
      schedule.update({{"type", "multistep"}, {"milestones", all}, {"unit", "steps"}, {"gamma", gamma}});
      if (all.empty() && solver_.stepvalue_size() > 0) schedule = {{"type", "constant"}, {"warmup", 0}};
      needs("stepvalue", solver_.stepvalue_size() > 0, policy);
    } else if (policy == "exp") {
      schedule.update({{"type", "exponential"}, {"unit", "steps"}, {"gamma", gamma}});
    } else if (policy == "inv") {
      schedule.update({{"type", "inv"}, {"gamma", gamma}, {"power", power}});
    } else if (policy == "poly") {
      schedule.update({{"type", "polynomial"}, {"power", power}});
    } else {
      schedule["type"] = "constant";
      if (policy != "fixed")
        notes_.missing(at("lr_policy"),
                       fmt::format("lr_policy \"{}\": schedule.type is \"constant\" in its place", policy));
    }
    if (schedule.contains("gamma")) needs("gamma", gamma > 0 && gamma <= 1, policy);
    if (schedule.contains("power")) needs("power", power > 0, policy);
  }

  /// Whether a step is the run's last, or comes after it.
  bool reaches(std::int64_t step) const { return solver_.max_iter() > 0 && step >= solver_.max_iter(); }

  /// The steps after which the rate falls; each counts once.
  std::vector<std::int64_t> milestones() {
    std::vector<std::int64_t> all;
    for (int i = 0; i < solver_.stepvalue_size(); ++i) {
      if (reaches(solver_.stepvalue(i)))
        notes_.differs(at("stepvalue", i),
                       fmt::format("stepvalue {}: the rate would fall after the last step", solver_.stepvalue(i)));
      else if (solver_.stepvalue(i) > (all.empty() ? 0 : all.back()))
        all.push_back(solver_.stepvalue(i));
      else
        notes_.missing(at("stepvalue", i), fmt::format("stepvalue {}: the steps must rise", solver_.stepvalue(i)));
    }
    return all;
  }

  void needs(const char* field, bool usable, const std::string& policy) {
    const bool list = std::string_view(field) == "stepvalue";
    if (!usable)
      notes_.todo(at(field, list ? 0 : -1),
                  fmt::format("{}: tandem-train does not take this value for the lr_policy \"{}\"", field, policy));
  }

  // --- Saving and testing ---

  void migrate_saving() {
    if (solver_.snapshot() > 0) notes_.config()["checkpoint"]["every_steps"] = solver_.snapshot();
    if (!solver_.snapshot_prefix().empty())
      notes_.config()["output"] =
          "runs/" + config_text(std::filesystem::path(solver_.snapshot_prefix()).filename().string());
    if (solver_.display() > 0) notes_.differs(at("display"), "display: metrics.jsonl has a line for every step");
  }

  void migrate_testing() {
    for (int i = 0; i < solver_.test_iter_size(); ++i)
      notes_.differs(at("test_iter", i), "test_iter: an evaluation takes every image of its list, once");
    for (int i = 0; i < solver_.test_net_size(); ++i)
      notes_.missing(at("test_net", i),
                     fmt::format("test_net \"{}\": only the network of --net is read", solver_.test_net(i)));
    if (solver_.has_test_interval())
      notes_.differs(at("test_interval"), "test_interval: the run is evaluated after each epoch");
  }

  const SolverParameter& solver_;
  CaffeNotes& notes_;
};

}  // namespace

void migrate_solver(const SolverParameter& solver, const std::string& weights, CaffeNotes& notes) {
  SolverMigration(solver, notes).run(weights);
}

}  // namespace tandem
