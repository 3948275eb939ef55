#include "train/checkpoint/run_state.h"

namespace tandem {

using nlohmann::json;

namespace {

json to_json(const Patience& p) {
  return {{"of", p.of}, {"best", p.best ? json(*p.best) : json(nullptr)}, {"epochs", p.epochs}};
}

Patience parse_patience(const json& j) {
  Patience p{j.at("of").get<std::string>(), {}, j.at("epochs").get<int>()};
  if (!j.at("best").is_null()) p.best = j.at("best").get<double>();
  return p;
}

}  // namespace

json to_json(const RunState& s) {
  return {{"step", s.step},
          {"images", s.images},
          {"list", s.list},
          {"epoch_sums", s.epoch_sums},
          {"epoch_steps", s.epoch_steps},
          {"matched_weight", s.matched_weight},
          {"loss_scale", s.loss_scale ? json(*s.loss_scale) : json(nullptr)},
          {"best_score", s.best_score ? json(*s.best_score) : json(nullptr)},
          {"best_of", s.best_of},
          {"early_stopping", s.early_stopping ? to_json(*s.early_stopping) : json(nullptr)},
          {"plateau",
           s.plateau ? json{{"rate", s.plateau->rate}, {"patience", to_json(s.plateau->patience)}} : json(nullptr)},
          {"eval_list", s.eval_list ? json(*s.eval_list) : json(nullptr)},
          {"computed_on", s.computed_on},
          {"autotune", s.autotune}};
}

RunState parse_run_state(const json& j) {
  RunState s;
  s.step = j.at("step").get<std::int64_t>();
  s.images = j.at("images").get<std::int64_t>();
  s.list = j.value("list", "");
  s.epoch_sums = j.at("epoch_sums").get<std::vector<double>>();
  s.epoch_steps = j.at("epoch_steps").get<std::int64_t>();
  s.matched_weight = j.at("matched_weight").get<double>();
  if (const json scale = j.value("loss_scale", json()); !scale.is_null())
    s.loss_scale = scale.get<std::array<double, 2>>();
  if (const json list = j.value("eval_list", json()); !list.is_null()) s.eval_list = list.get<std::string>();
  // Earlier versions always chose by top-1, and named it so.
  const json best = j.contains("best_score") ? j.at("best_score") : j.at("best_top1");
  if (!best.is_null()) s.best_score = best.get<double>();
  s.best_of = j.value("best_of", "");
  if (const json stopping = j.value("early_stopping", json()); !stopping.is_null())
    s.early_stopping = parse_patience(stopping);
  if (const json plateau = j.value("plateau", json()); !plateau.is_null())
    s.plateau = PlateauState{plateau.at("rate").get<double>(), parse_patience(plateau.at("patience"))};
  s.computed_on = j.value("computed_on", "");
  s.autotune = j.value("autotune", AutotuneChoices());
  return s;
}

}  // namespace tandem
