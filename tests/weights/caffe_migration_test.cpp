// A network and a solver of Caffe's become a config; what does not is told with its line.

#include "weights/caffe/migration/migration.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "core/base/rng.h"
#include "core/base/timing.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"
#include "tests/weights/caffe_siamese.h"
#include "weights/caffe/caffe.pb.h"

namespace tandem {
namespace {

using nlohmann::json;
using test::contains;
using test::error_of;
using test::SiameseText;
using test::solver_text;

struct Migrated {
  json config;
  std::optional<ResNetShape> backbone;
  std::string findings;  // a line each

  json at(const char* pointer) const {
    const json::json_pointer at(pointer);
    return config.contains(at) ? config[at] : json("absent");
  }
};

struct Files {
  test::TempDir folder;

  Migrated migrate(const std::string& solver, const std::string& net, std::int64_t images = 0,
                   const std::string& weights = "") const {
    const CaffeMigration migration =
        migrate_caffe({folder.write("solver.prototxt", solver), folder.write("train.prototxt", net), weights, images});
    Migrated migrated{json(migration.config), migration.backbone, ""};
    for (const CaffeFinding& finding : migration.findings) migrated.findings += describe(finding) + '\n';
    return migrated;
  }
  Migrated solver(const std::string& text) const { return migrate(text, SiameseText().text()); }
};

std::string line_of(const std::string& text, const std::string& part) {
  const auto at = text.begin() + static_cast<std::ptrdiff_t>(text.find(part));
  return std::to_string(1 + std::count(text.begin(), at, '\n'));
}

TEST_CASE("a siamese ResNet of Caffe's becomes a config") {
  const Files files;
  SiameseText net;
  net.depths = {3, 4, 6, 3};
  net.bottleneck = net.stride_on_1x1 = true;
  net.width = 4;
  const std::string text = net.text();
  const Migrated migrated = files.migrate(solver_text(), text);
  INFO(migrated.findings);
  CHECK(migrated.config == json::parse(R"({
    "output": "runs/siamese",
    "model": {"classes": 12, "embedding": [32, 16],
              "input": {"channels": "BGR", "scale": 1, "mean": [104, 117, 123], "std": [1, 1, 1], "resize": "squash",
                        "crop": 0.25, "interpolation": "bilinear", "antialias": false}},
    "data": {"train": {"list": "TODO: a list or folder of the images in train_lmdb"}, "image_size": 64,
             "augment": {"flip": true, "random_resized_crop": [0.0625, 0.0625]}},
    "pairs": {"batch": 16},
    "loss": {"softmax": {"weight": 0.5}, "contrastive": {"weight": 0.25, "margin": 2, "form": "legacy"}},
    "optimizer": {"type": "sgd", "lr": 0.001, "momentum": 0.9, "nesterov": false, "weight_decay": 0.0001,
                  "groups": [{"match": ["embedding.*.weight", "fc.weight"], "lr": 10, "weight_decay": 1},
                             {"match": ["embedding.*.bias", "fc.bias"], "lr": 20, "weight_decay": 1}]},
    "schedule": {"warmup": 0, "type": "multistep", "milestones": [20000, 30000], "unit": "steps", "gamma": 0.1},
    "checkpoint": {"every_steps": 5000}})"));
  REQUIRE(migrated.backbone);
  CHECK(migrated.backbone->bottleneck);
  CHECK(migrated.backbone->depths == std::vector<int>{3, 4, 6, 3});
  CHECK(migrated.backbone->width == 4);
  CHECK(migrated.backbone->stem_width == 8);
  CHECK(migrated.backbone->stride_on_1x1);
  CHECK(migrated.backbone->caffe_pool);
  const auto told = [&](const std::string& part, const std::string& at) {
    INFO(part);
    CHECK(contains(migrated.findings, "train.prototxt:" + line_of(text, at) + ": " + part));
  };
  told("to do: source \"train_lmdb\": name a list or a folder", "data_param { source");
  told("differs: the similarity of each pair is computed from labels (EuclideanLoss)", "layer {\n  name: \"distance\"");
  told("differs: crop_size 64: the images in the data set are taken to have been resized to 256x256",
       "transform_param");
  told("no counterpart: ConvolutionParameter.weight_filler (106 times, on lines ", "weight_filler");
  CHECK(contains(migrated.findings, "solver.prototxt:7: to do: max_iter 40000: set train.epochs to 640000 divided by"));
  CHECK_FALSE(contains(migrated.findings, "the layer"));
  CHECK_FALSE(contains(migrated.findings, "backbone"));
}

TEST_CASE("the length of a run is computed from the number of images") {
  const Files files;
  const std::string net = SiameseText().text();
  CHECK(files.migrate(solver_text(), net, 3000).at("/train/epochs") == 214);  // 640000 / 3000, rounded up
  CHECK(files.migrate(solver_text("lr_policy: \"fixed\"\n", "iter_size: 4\n"), net, 3000).at("/train/epochs") == 854);
  // The list of an ImageData layer is counted.
  SiameseText listed;
  listed.data_type = "ImageData";
  files.folder.write("list.txt", "a.jpg 0\nb.jpg 1\n\nc.jpg 1\n");
  listed.data =
      "image_data_param { source: \"list.txt\" root_folder: \"photos/\" batch_size: 8 new_height: 80 new_width: 80 }";
  const Migrated migrated = files.migrate(solver_text(), listed.text());
  CHECK(migrated.at("/train/epochs") == 106667);
  CHECK(migrated.at("/data/train") == json({{"list", "list.txt"}, {"root", "photos/"}}));
  CHECK(migrated.at("/model/input/crop") == 0.8);
  CHECK_FALSE(contains(migrated.findings, "to do"));
}

TEST_CASE("each lr_policy becomes a schedule") {
  const Files files;
  const auto schedule = [&](const std::string& policy) { return files.solver(solver_text(policy)).at("/schedule"); };
  CHECK(schedule("lr_policy: \"fixed\"\n") == json({{"warmup", 0}, {"type", "constant"}}));
  CHECK(schedule("lr_policy: \"step\" gamma: 0.5 stepsize: 700\n") ==
        json({{"warmup", 0}, {"type", "step"}, {"period", 700}, {"unit", "steps"}, {"gamma", 0.5}}));
  CHECK(schedule("lr_policy: \"exp\" gamma: 0.9999\n") ==
        json({{"warmup", 0}, {"type", "exponential"}, {"unit", "steps"}, {"gamma", 0.9999}}));
  CHECK(schedule("lr_policy: \"inv\" gamma: 0.0001 power: 0.75\n") ==
        json({{"warmup", 0}, {"type", "inv"}, {"gamma", 0.0001}, {"power", 0.75}}));
  CHECK(schedule("lr_policy: \"poly\" power: 2\n") == json({{"warmup", 0}, {"type", "polynomial"}, {"power", 2.0}}));
  const json constant = {{"warmup", 0}, {"type", "constant"}};  // max_iter is 40000
  CHECK(schedule("lr_policy: \"step\" gamma: 0.5 stepsize: 40000\n") == constant);
  CHECK(schedule("lr_policy: \"multistep\" gamma: 0.5 stepvalue: 40000\n") == constant);
  CHECK(schedule("lr_policy: \"multistep\" gamma: 0.5 stepvalue: 39999 stepvalue: 50000\n")["milestones"] ==
        json({39999}));
  const Migrated sigmoid = files.solver(solver_text("lr_policy: \"sigmoid\" gamma: -0.1 stepsize: 9\n"));
  CHECK(sigmoid.at("/schedule") == json({{"warmup", 0}, {"type", "constant"}}));
  CHECK(contains(sigmoid.findings,
                 "solver.prototxt:3: no counterpart: lr_policy \"sigmoid\": schedule.type is \"constant\""));
  CHECK(contains(files.solver(solver_text("lr_policy: \"step\" gamma: 2 stepsize: 7\n")).findings,
                 "solver.prototxt:3: to do: gamma: tandem-train does not take this value"));
  const Migrated falling =
      files.solver(solver_text("lr_policy: \"multistep\" gamma: 0.1 stepvalue: 9\nstepvalue: 4\n"));
  CHECK(falling.at("/schedule/milestones") == json({9}));
  CHECK(contains(falling.findings, "solver.prototxt:4: no counterpart: stepvalue 4: the steps must rise"));
}

TEST_CASE("each solver's type becomes an optimizer") {
  const Files files;
  const auto optimizer = [&](const std::string& rest) {
    json all = files.solver(solver_text("lr_policy: \"fixed\"\n", rest)).at("/optimizer");
    all.erase("groups");
    all.erase("lr");
    all.erase("weight_decay");
    return all;
  };
  CHECK(optimizer("") == json({{"type", "sgd"}, {"momentum", 0.9}, {"nesterov", false}}));
  CHECK(optimizer("type: \"Nesterov\"\n") == json({{"type", "sgd"}, {"momentum", 0.9}, {"nesterov", true}}));
  CHECK(optimizer("solver_type: NESTEROV\n") == json({{"type", "sgd"}, {"momentum", 0.9}, {"nesterov", true}}));
  CHECK(optimizer("type: \"Adam\" momentum2: 0.99 delta: 0.001\n") ==
        json({{"type", "adam"}, {"betas", {0.9, 0.99}}, {"eps", 0.001}}));
  CHECK(optimizer("type: \"RMSProp\" rms_decay: 0.98\n") ==
        json({{"type", "rmsprop_tf"}, {"momentum", 0}, {"rmsprop_tf", {{"alpha", 0.98}, {"eps", 1e-8}}}}));
  for (const char* type : {"AdaGrad", "AdaDelta"}) {
    const Migrated other = files.solver(solver_text("lr_policy: \"fixed\"\n", fmt::format("type: \"{}\"\n", type)));
    CHECK(contains(other.findings, fmt::format("solver.prototxt:10: no counterpart: type \"{}\"", type)));
  }
  const Migrated clipped = files.solver(
      solver_text("lr_policy: \"fixed\"\n", "clip_gradients: 12 iter_size: 3 regularization_type: \"L1\"\n"));
  CHECK(clipped.at("/optimizer/clip_norm") == 4);  // Caffe clips the sum over three batches
  CHECK(clipped.at("/pairs/accumulate") == 3);
  CHECK(clipped.at("/optimizer/weight_decay") == 0);
  CHECK(contains(clipped.findings, "solver.prototxt:10: no counterpart: regularization_type \"L1\""));
}

TEST_CASE("the rest of a solver is taken over or told") {
  const Files files;
  const Migrated all = files.migrate(
      solver_text("lr_policy: \"fixed\"\n",
                  "random_seed: 7\ndevice_id: 2\ntest_iter: 10\ntest_interval: 500\ndisplay: 20\naverage_loss: 40\n"
                  "weights: \"a.caffemodel\"\n"),
      SiameseText().text());
  CHECK(all.at("/seed") == 7);
  CHECK(all.at("/device") == "cuda:2");
  CHECK(all.at("/model/weights") == "a.caffemodel");
  for (const char* line : {"12: differs: test_iter", "13: differs: test_interval", "14: differs: display",
                           "15: no counterpart: SolverParameter.average_loss"})
    CHECK(contains(all.findings, "solver.prototxt:" + std::string(line)));
  const Migrated cpu = files.migrate("base_lr: 0.1 solver_mode: CPU lr_policy: \"fixed\"\nweights: \"a\"\n",
                                     SiameseText().text(), 0, "b.caffemodel");
  CHECK(cpu.at("/device") == "cpu");
  CHECK(cpu.at("/model/weights") == "b.caffemodel");
  CHECK(contains(cpu.findings, "solver.prototxt:2: no counterpart: weights \"a\""));
}

TEST_CASE("the losses of a network are found by its graph") {
  const Files files;
  SiameseText net;
  net.softmax = "";
  net.contrastive = "";
  Migrated plain = files.migrate(solver_text(), net.text());
  CHECK(plain.at("/loss") == json({{"softmax", {{"weight", 1.0}}},
                                   {"contrastive", {{"weight", 1.0}, {"margin", 1.0}, {"form", "hadsell"}}}}));
  net.has_softmax = false;
  const Migrated apart = files.migrate(solver_text(), net.text());
  CHECK(apart.at("/loss/softmax/weight") == 0);
  CHECK(apart.at("/model/classes") == "absent");
  REQUIRE(apart.backbone);
  CHECK_FALSE(apart.backbone->bottleneck);
  net.has_softmax = true;
  net.has_contrastive = false;
  const Migrated softmax = files.migrate(solver_text(), net.text());
  CHECK(softmax.at("/loss/contrastive/weight") == 0);
  CHECK(softmax.at("/model/embedding") == "absent");

  // A contrastive loss that takes both labels itself, as its third and fourth bottom.
  net.extra =
      SiameseText::layer("head", "InnerProduct", {"pool5"}, "head", "inner_product_param { num_output: 5 }") +
      SiameseText::layer("head_p", "InnerProduct", {"pool5_p"}, "head_p", "inner_product_param { num_output: 5 }") +
      SiameseText::layer("pull", "ContrastiveLoss", {"head", "head_p", "label", "label_p"}, "pull");
  const Migrated four = files.migrate(solver_text(), net.text());
  CHECK(four.at("/model/embedding") == json({5}));
  CHECK_FALSE(contains(four.findings, "similarity"));
  CHECK(contains(four.findings, "the layer head_p (InnerProduct) has parameters of its own"));
}

TEST_CASE("factors of parameters become groups") {
  const Files files;
  SiameseText net;
  const auto optimizer = [&] { return files.migrate(solver_text(), net.text()).at("/optimizer"); };
  net.head_weight_param = net.weight_param = "";
  net.head_bias_param = "decay_mult: 0";
  CHECK_FALSE(optimizer().contains("groups"));
  CHECK_FALSE(optimizer().contains("decay_on"));
  net.norm_param = "";  // as most networks have it: norms decay as well
  CHECK(optimizer()["decay_on"] == "all");
  CHECK(optimizer()["groups"] ==
        json::parse(R"([{"match": ["embedding.*.bias", "fc.bias"], "lr": 1, "weight_decay": 0}])"));
}

TEST_CASE("a layer of which nothing learns is frozen") {
  const Files files;
  SiameseText net;
  const std::string rate = "lr_mult: 1 decay_mult: 1";
  net.head_weight_param = rate;
  net.head_bias_param = "lr_mult: 0";
  net.weight_param = net.norm_param = "lr_mult: 0 decay_mult: 1";
  std::string text = net.text();
  const Migrated migrated = files.migrate(solver_text(), text);
  INFO(migrated.findings);
  CHECK(migrated.at("/finetune/freeze") == json({"backbone.*"}));
  // The heads' weights learn, so that their biases are a group.
  CHECK(migrated.at("/optimizer/groups") ==
        json::parse(R"([{"match": ["embedding.*.bias", "fc.bias"], "lr": 0, "weight_decay": 1}])"));
  CHECK(contains(migrated.findings,
                 "train.prototxt:" + line_of(text, "layer {\n  name: \"scale_conv1\"") +
                     ": differs: lr_mult 0 of a Scale layer: a frozen batch norm uses its running statistics, in "
                     "training too (20 times"));

  // All but the first convolution, in both towers.
  const std::string first = "param { name: \"conv1_w\" lr_mult: 0";
  for (std::size_t at = text.find(first); at != std::string::npos; at = text.find(first, at))
    text.replace(at, first.size(), "param { name: \"conv1_w\" lr_mult: 1");
  CHECK(files.migrate(solver_text(), text).at("/finetune/freeze") ==
        json({"layer1.*", "layer2.*", "layer3.*", "layer4.*", "*bn?.*"}));

  // Frozen norms use their running statistics in Caffe as well.
  const std::string norm = "type: \"BatchNorm\"\n";
  for (std::size_t at = text.find(norm); at != std::string::npos; at = text.find(norm, at + 1))
    text.insert(at + norm.size(), "batch_norm_param { use_global_stats: true }\n");
  const Migrated fixed = files.migrate(solver_text(), text);
  CHECK(fixed.at("/finetune/freeze_statistics") == true);
  CHECK_FALSE(contains(fixed.findings, "lr_mult 0"));
}

TEST_CASE("dropout before the heads becomes the model's") {
  const Files files;
  const auto dropout = [](const std::string& name, const std::string& blob, const std::string& ratio) {
    return SiameseText::layer(name, "Dropout", {blob}, blob, "dropout_param { " + ratio + " }");
  };
  const std::string net = SiameseText().text();
  const auto with = [&](const std::string& before, const std::string& layer, std::string text) {
    const std::size_t at = text.find("layer {\n  name: \"" + before + "\"");
    REQUIRE(at != std::string::npos);
    return text.insert(at, layer);
  };
  const auto migrate = [&](const std::string& text) { return files.migrate(solver_text(), text); };

  const std::string both = with("fc_p", dropout("drop_p", "pool5_p", "dropout_ratio: 0.25"),
                                with("fc", dropout("drop", "pool5", "dropout_ratio: 0.25"), net));
  CHECK(migrate(both).at("/model/dropout") == 0.25);
  CHECK_FALSE(contains(migrate(both).findings, "Dropout"));
  CHECK(migrate(net).at("/model/dropout") == "absent");

  const std::string unlike =
      with("fc_p", dropout("drop_p", "pool5_p", ""), with("fc", dropout("drop", "pool5", "dropout_ratio: 0.25"), net));
  CHECK(migrate(unlike).at("/model/dropout") == 0.25);
  CHECK(contains(migrate(unlike).findings,
                 "differs: the layer drop_p (Dropout): dropout_ratio 0.5: all heads have one, 0.25"));

  // Behind the classifier in the text, so that it is before the embedding head alone.
  const std::string one_head = with("embed1", dropout("drop", "pool5", "dropout_ratio: 0.5"), net);
  CHECK(migrate(one_head).at("/model/dropout") == 0.5);
  CHECK(contains(migrate(one_head).findings, "differs: the layer drop (Dropout): not before every head"));

  // In a head, before the pool, a second one, and a ratio that is none.
  for (const char* before : {"embed2", "pool5"}) {
    const Migrated inside =
        migrate(with(before, dropout("drop", before == std::string("pool5") ? "res5b" : "embed1", ""), net));
    CHECK(inside.at("/model/dropout") == "absent");
    CHECK(contains(inside.findings, "no counterpart: the layer drop (Dropout)"));
  }
  const std::string twice = with("fc", dropout("more", "pool5", "dropout_ratio: 0.125"), both);
  CHECK(migrate(twice).at("/model/dropout") == 0.125);
  CHECK(contains(migrate(twice).findings,
                 "no counterpart: the layer drop (Dropout): another dropout before the same head"));
  const Migrated whole = migrate(with("fc", dropout("drop", "pool5", "dropout_ratio: 1"), net));
  CHECK(whole.at("/model/dropout") == "absent");
  CHECK(contains(whole.findings, "to do: the layer drop (Dropout): dropout_ratio 1: tandem-train takes"));
}

TEST_CASE("the transformation of images becomes the model's input") {
  const Files files;
  SiameseText net;
  const auto input = [&](const std::string& transform) {
    net.transform = "transform_param { " + transform + " }";
    return files.migrate(solver_text(), net.text());
  };
  CHECK(input("scale: 0.00390625 mean_value: 127.5").at("/model/input/std") == json({256.0, 256.0, 256.0}));
  CHECK(input("mean_value: 127.5").at("/model/input/mean") == json({127.5, 127.5, 127.5}));
  CHECK(input("mirror: false").at("/data/augment/flip") == false);
  CHECK(contains(input("mirror: false").findings, "to do: no crop_size: give data.image_size"));
  CHECK(contains(input("crop_size: 32 mean_file: \"no.binaryproto\"").findings,
                 "to do: mean_file \"no.binaryproto\" cannot"));
  caffe::BlobProto mean;
  for (const float value : {1, 3, 10, 20, 5, 5}) mean.add_data(value);
  files.folder.write("mean.binaryproto", mean.SerializeAsString());
  const Migrated read = input("crop_size: 32 mean_file: \"mean.binaryproto\"");
  CHECK(read.at("/model/input/mean") == json({2.0, 15.0, 5.0}));
  CHECK(contains(read.findings, "differs: mean_file: the mean of each channel"));
  CHECK(
      contains(input("crop_size: 32 force_gray: true").findings, "no counterpart: TransformationParameter.force_gray"));
}

TEST_CASE("what differs in a network's norms is told once, with its lines") {
  const Files files;
  std::string text = SiameseText().text();
  const std::string norm = "type: \"BatchNorm\"\n";
  for (std::size_t at = text.find(norm); at != std::string::npos; at = text.find(norm, at + 1))
    text.insert(at + norm.size(),
                "batch_norm_param { use_global_stats: true eps: 0.001\nmoving_average_fraction: 0.95 }\n");
  const Migrated migrated = files.migrate(solver_text(), text);
  CHECK(migrated.at("/finetune/freeze_statistics") == true);
  CHECK_FALSE(contains(migrated.findings, "use_global_stats"));
  CHECK(contains(migrated.findings, "train.prototxt:" + line_of(text, "moving_average") + ": differs: moving_average"));
  CHECK(contains(migrated.findings, ": differs: eps: batch norm has 1e-5 (40 times"));
}

TEST_CASE("what differs between two towers is told") {
  const Files files;
  SiameseText net;
  net.shared = false;
  CHECK(contains(files.migrate(solver_text(), net.text()).findings,
                 "differs: the layer conv1_p (Convolution) has parameters of its own"));
  std::string text = SiameseText().text();
  const std::size_t second = text.find("train_lmdb", text.find("train_lmdb") + 1);
  text.replace(second, 10, "other_lmdb");
  CHECK(contains(files.migrate(solver_text(), text).findings, "differs: source \"other_lmdb\": both streams take"));
}

// Caffe's own example, examples/siamese/mnist_siamese_train_test.prototxt, shortened.
constexpr const char* kPairs = R"(
layer { name: "pair_data" type: "Data" top: "pair_data" top: "sim" include { phase: TRAIN }
        transform_param { scale: 0.00390625 } data_param { source: "pairs" batch_size: 64 } }
layer { name: "pair_data" type: "Data" top: "pair_data" top: "sim" include { phase: TEST }
        data_param { source: "test_pairs" batch_size: 100 } }
layer { name: "slice_pair" type: "Slice" bottom: "pair_data" top: "data" top: "data_p"
        slice_param { slice_dim: 1 slice_point: 1 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { name: "w" } param { name: "b" }
        convolution_param { num_output: 20 kernel_size: 5 } }
layer { name: "ip" type: "InnerProduct" bottom: "conv1" top: "ip" param { name: "v" } param { name: "c" }
        inner_product_param { num_output: 500 } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "feat" type: "InnerProduct" bottom: "ip" top: "feat" param { name: "u" } param { name: "d" }
        inner_product_param { num_output: 2 } }
layer { name: "conv1_p" type: "Convolution" bottom: "data_p" top: "conv1_p" param { name: "w" } param { name: "b" }
        convolution_param { num_output: 20 kernel_size: 5 } }
layer { name: "ip_p" type: "InnerProduct" bottom: "conv1_p" top: "ip_p" param { name: "v" } param { name: "c" }
        inner_product_param { num_output: 500 } }
layer { name: "relu_p" type: "ReLU" bottom: "ip_p" top: "ip_p" }
layer { name: "feat_p" type: "InnerProduct" bottom: "ip_p" top: "feat_p" param { name: "u" } param { name: "d" }
        inner_product_param { num_output: 2 } }
layer { name: "loss" type: "ContrastiveLoss" bottom: "feat" bottom: "feat_p" bottom: "sim" top: "loss"
        contrastive_loss_param { margin: 1 } }
)";

TEST_CASE("ready-made pairs and a backbone that Tandem has not are told") {
  const Files files;
  const Migrated migrated = files.migrate(solver_text(), kPairs);
  INFO(migrated.findings);
  CHECK(migrated.at("/model/embedding") == json({500, 2}));
  CHECK(migrated.at("/pairs/batch") == 64);
  CHECK(migrated.at("/data/eval/list") == "TODO: a list or folder of the images in test_pairs");
  CHECK(migrated.at("/loss/contrastive/form") == "hadsell");
  CHECK_FALSE(migrated.backbone);
  CHECK(contains(migrated.findings,
                 "train.prototxt: no counterpart: the backbone: not a ResNet that Tandem has: the layer conv1"));
  CHECK(contains(migrated.findings, "train.prototxt:22: differs: the similarity of each pair comes ready-made"));
  CHECK(contains(migrated.findings, "train.prototxt:2: to do: a data layer of ready-made pairs"));
  CHECK_FALSE(contains(migrated.findings, "parameters of its own"));
  CHECK(contains(migrated.findings, "differs: transform_param: an evaluation has the input of the training"));
  CHECK(contains(migrated.findings, "train.prototxt:5: differs: batch_size 100 in the test phase"));
}

TEST_CASE("one tower that sees both images of each pair") {
  const Files files;
  SiameseText net;
  net.has_contrastive = false;
  std::string text = net.text();
  text = text.substr(0, text.find("layer {\n  name: \"conv1_p\""));
  const std::size_t second = text.find("layer {\n  name: \"data_p\"");
  text.erase(second, text.find("layer {\n", second + 1) - second);
  text += SiameseText::layer("embed", "InnerProduct", {"pool5"}, "embed", "inner_product_param { num_output: 6 }");
  text +=
      "layer { name: \"parts\" type: \"Slice\" bottom: \"embed\" top: \"a\" top: \"b\" slice_param { axis: 0 } }\n"
      "layer { name: \"labels\" type: \"Slice\" bottom: \"label\" top: \"la\" top: \"lb\" slice_param { axis: 0 } }\n"
      "layer { name: \"pull\" type: \"ContrastiveLoss\" bottom: \"a\" bottom: \"b\" bottom: \"la\" bottom: \"lb\" top: "
      "\"pull\" }\n"
      "layer { name: \"drop\" type: \"Dropout\" bottom: \"pool5\" top: \"pool5\" }\n"
      "layer { name: \"lrn\" type: \"LRN\" bottom: \"pool5\" top: \"lrn\" }\n"
      "layer { name: \"right\" type: \"Accuracy\" bottom: \"fc\" bottom: \"label\" top: \"right\" }\n";
  const Migrated migrated = files.migrate(solver_text(), text);
  INFO(migrated.findings);
  CHECK(migrated.at("/pairs/batch") == 8);
  CHECK(migrated.at("/model/batch_norm") == "joint");
  CHECK(migrated.at("/model/embedding") == json({6}));
  CHECK(migrated.backbone);
  CHECK(migrated.at("/loss/softmax/weight") == 0.25);
  CHECK_FALSE(contains(migrated.findings, "ready-made"));
  // The head without factors: norms alone do not decay.
  CHECK(migrated.at("/optimizer/groups/0") ==
        json::parse(R"({"match": ["*bn?.*", "*downsample.1.*"], "lr": 1, "weight_decay": 0})"));
  const auto told = [&](const std::string& part, const std::string& at) {
    CHECK(contains(migrated.findings, "train.prototxt:" + line_of(text, at) + ": " + part));
  };
  told("no counterpart: the layer drop (Dropout)", "name: \"drop\"");
  told("no counterpart: the layer lrn (LRN)", "name: \"lrn\"");
  told("differs: the layer right (Accuracy): each evaluation gives top-1 and top-5", "name: \"right\"");
}

// As files were before 2015: layers with enumerators as types, and factors as lists.
constexpr const char* kOld = R"(
layers { name: "a" type: IMAGE_DATA top: "a" top: "la"
         image_data_param { source: "list" batch_size: 4 mirror: true crop_size: 24 scale: 0.5 } }
layers { name: "b" type: IMAGE_DATA top: "b" top: "lb"
         image_data_param { source: "list" batch_size: 4 mirror: true crop_size: 24 scale: 0.5 } }
layers { name: "ea" type: INNER_PRODUCT bottom: "a" top: "ea" param: "w" param: "b" blobs_lr: 1 blobs_lr: 2
         weight_decay: 1 weight_decay: 0 inner_product_param { num_output: 3 } }
layers { name: "eb" type: INNER_PRODUCT bottom: "b" top: "eb" param: "w" param: "b" blobs_lr: 1 blobs_lr: 2
         weight_decay: 1 weight_decay: 0 inner_product_param { num_output: 3 } }
layers { name: "sim" type: EUCLIDEAN_LOSS bottom: "la" bottom: "lb" top: "sim" }
layers { name: "loss" type: CONTRASTIVE_LOSS bottom: "ea" bottom: "eb" bottom: "sim" loss_weight: 3
         contrastive_loss_param { margin: 4 } }
layers { name: "hinge" type: HINGE_LOSS bottom: "ea" bottom: "la" }
)";

TEST_CASE("the old kind of layers is read as well") {
  const Files files;
  const Migrated migrated = files.migrate(solver_text(), kOld);
  INFO(migrated.findings);
  CHECK(migrated.at("/loss/contrastive") == json({{"weight", 3.0}, {"margin", 4.0}, {"form", "hadsell"}}));
  CHECK(migrated.at("/model/embedding") == json({3}));
  CHECK(migrated.at("/data/image_size") == 24);
  CHECK(migrated.at("/data/augment/flip") == true);
  CHECK(migrated.at("/model/input/std") == json({2.0, 2.0, 2.0}));
  CHECK(migrated.at("/data/train/list") == "list");
  CHECK(contains(migrated.findings, "train.prototxt:10: differs: the similarity of each pair is computed from labels"));
  CHECK(contains(migrated.findings, "train.prototxt:13: no counterpart: the layer hinge (HINGE_LOSS)"));
  CHECK(contains(migrated.findings,
                 "train.prototxt:6: no counterpart: factors of the learning rate and the weight decay of "
                 "a layer (2 times, on lines 6, 8)"));
}

TEST_CASE("what is no solver or no network is refused with its line") {
  const Files files;
  const std::string net = SiameseText().text();
  const auto error = [&](const std::string& solver, const std::string& text) {
    return error_of([&] { (void)files.migrate(solver, text); });
  };
  CHECK(contains(error("base_lr: 1\nmomentum: fast\n", net),
                 "solver.prototxt:2:11: Expected double, got: fast; expected a solver"));
  CHECK(contains(error(solver_text(), "name: \"n\"\nlayer {"), "train.prototxt:2:"));
  CHECK(contains(error(solver_text(), "name: \"n\""), "train.prototxt: has no layers"));
  CHECK(contains(error(solver_text("lr_policy: \"fixed\"\n", "iter_size: 0"), net),
                 "iter_size is 0, expected at least 1"));
  CHECK(contains(error("base_lr: nan", net), "base_lr is nan, expected a number"));
}

/// How many pairs of damaged files are read; TANDEM_MUTATIONS in the environment asks for more, and for the counts.
std::uint32_t mutations() {
  const char* asked = std::getenv("TANDEM_MUTATIONS");
  return asked ? static_cast<std::uint32_t>(std::strtoul(asked, nullptr, 10)) : 600;
}

TEST_CASE("damaged solvers and networks are refused or read, and never a crash") {
  const Files files;
  std::uint32_t refused = 0;
  double longest = 0;
  SiameseText small;
  small.depths = {1, 1, 1, 1};
  const std::string texts[] = {small.text(), kPairs, kOld};
  for (std::uint32_t round = 0; round < mutations(); ++round) {
    Random random(1, RandomPurpose::test, 0, 0, round);
    std::string text = texts[round % 3], solver = solver_text();
    for (std::string* bad : {&text, &solver}) {
      const auto place = [&] { return random.below(static_cast<std::uint32_t>(bad->size())); };
      for (std::uint32_t i = 0; i < 1 + random.below(3); ++i) switch (random.below(4)) {
          case 0:
            (*bad)[place()] = static_cast<char>(random.bits() & 0xffU);
            break;
          case 1:
            (*bad)[place()] = static_cast<char>('0' + random.below(10));
            break;
          case 2: {  // a line less
            const std::size_t begin = bad->find('\n', place());
            if (begin != std::string::npos) bad->erase(begin, bad->find('\n', begin + 1) - begin);
            break;
          }
          default:
            bad->insert(place(), bad->substr(place(), random.below(80)));
        }
    }
    const double begin = seconds();
    const std::string error = error_of([&] { (void)files.migrate(solver, text); });
    longest = std::max(longest, seconds() - begin);
    refused += error.empty() ? 0U : 1U;
    const bool clear = error.empty() || (error.starts_with("2: ") && error.find('\n') == std::string::npos);
    if (!clear) FAIL("round " << round << ": " << error << '\n' << text << solver);
  }
  CHECK(refused > 0);
  CHECK(refused < mutations());
  if (std::getenv("TANDEM_MUTATIONS"))
    std::cout << fmt::format(
        "{} pairs of a solver and a network: {} refused with one line, {} read; the longest {:.3f} s\n", mutations(),
        refused, mutations() - refused, longest);
}

}  // namespace
}  // namespace tandem
