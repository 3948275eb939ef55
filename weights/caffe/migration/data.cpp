#include <algorithm>
#include <fstream>
#include <numeric>

#include "weights/caffe/migration/parts.h"
#include "weights/content.h"

namespace tandem {
namespace {

constexpr std::array<double, 3> kUsualMean = {104, 117, 123};  // B, G, R, of ImageNet
constexpr std::int64_t kUsualResized = 256;                    // what data sets of Caffe's are usually made of

/// A data layer, whichever kind it is.
struct DataLayer {
  explicit DataLayer(const caffe::LayerParameter& layer)
      : lists_images(layer.type() == "ImageData"), is_known(lists_images || layer.type() == "Data") {
    const auto take = [&](const auto& p) {
      source = p.source();
      batch = p.batch_size();
      transform = layer.transform_param();
      // As files before 2014 have it.
      if (p.has_scale() && !transform.has_scale()) transform.set_scale(p.scale());
      if (p.has_mirror() && !transform.has_mirror()) transform.set_mirror(p.mirror());
      if (p.has_crop_size() && !transform.has_crop_size()) transform.set_crop_size(p.crop_size());
      if (p.has_mean_file() && !transform.has_mean_file()) transform.set_mean_file(p.mean_file());
    };
    if (lists_images)
      take(layer.image_data_param());
    else
      take(layer.data_param());
    field = lists_images ? "image_data_param" : "data_param";
  }

  bool lists_images, is_known;
  const char* field = nullptr;
  std::string source;
  std::uint64_t batch = 0;
  caffe::TransformationParameter transform;
};

class DataMigration {
 public:
  DataMigration(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes)
      : net_(net), parts_(parts), notes_(notes) {}

  std::int64_t run() {
    if (parts_.data.empty()) {
      notes_.todo({}, "no data layer for training: data.train, model.input and pairs.batch are left as they are");
      notes_.config()["data"]["train"]["list"] = "TODO: a list or folder of the training images";
      return 0;
    }
    const int node = parts_.data[0];
    const caffe::LayerParameter& layer = *net_.graph[node].layer;
    const DataLayer data(layer);
    if (!data.is_known)
      notes_.missing(net_.at(node),
                     fmt::format("{}: Tandem reads lists and folders of images", net_.graph.describe(node)));
    notes_.config()["data"]["train"] = source_of(layer, data);
    compare_second(data);
    migrate_batch(node, data);
    migrate_transform(node, layer, data);
    migrate_evaluation();
    return data.lists_images ? count_lines(data.source) : 0;
  }

 private:
  nlohmann::ordered_json source_of(const caffe::LayerParameter& layer, const DataLayer& data) {
    std::vector<Prototxt::Step> at = net_.at(layer);
    at.emplace_back(data.field, -1);
    at.emplace_back("source", -1);
    const std::string source = config_text(data.source);
    if (data.lists_images && !source.empty()) {
      nlohmann::ordered_json list = {{"list", source}};
      if (const std::string root = config_text(layer.image_data_param().root_folder()); !root.empty())
        list["root"] = root;
      return list;
    }
    notes_.todo(at, fmt::format("source \"{}\": name a list or a folder of the same images", source));
    return {{"list", fmt::format("TODO: a list or folder of the images in {}",
                                 source.empty() ? config_text(layer.name()) : source)}};
  }

  void compare_second(const DataLayer& first) {
    for (std::size_t i = 1; i < parts_.data.size(); ++i) {
      const int node = parts_.data[i];
      const DataLayer other(*net_.graph[node].layer);
      if (other.source != first.source)
        notes_.differs(net_.at(node, other.field, "source"),
                       fmt::format("source \"{}\": both streams take their images from one list", other.source));
      if (other.batch != first.batch)
        notes_.differs(net_.at(node, other.field, "batch_size"),
                       fmt::format("batch_size {}: both images of a pair come in the same step", other.batch));
      if (other.transform.SerializeAsString() != first.transform.SerializeAsString())
        notes_.differs(net_.at(node, "transform_param"),
                       "transform_param: both streams are transformed as the first is");
    }
    notes_.differs(net_.at(parts_.data[0]), "order: each stream shows its images in a new random order in each epoch");
  }

  void migrate_batch(int node, const DataLayer& data) {
    const bool pairs_in_turn = parts_.features_sliced && parts_.data.size() == 1;
    const std::uint64_t pairs = pairs_in_turn ? data.batch / 2 : data.batch;
    notes_.config()["pairs"]["batch"] = pairs;
    if (pairs_in_turn) notes_.config()["model"]["batch_norm"] = "joint";
    if (pairs == 0) notes_.todo(net_.at(node, data.field, "batch_size"), "batch_size: pairs.batch must be at least 1");
    if (parts_.images_sliced && parts_.data.size() == 1)
      notes_.todo(net_.at(node),
                  "a data layer of ready-made pairs: Tandem pairs single images, so name a list or folder "
                  "of them");
  }

  // --- How an image becomes the input ---

  void migrate_transform(int node, const caffe::LayerParameter& layer, const DataLayer& data) {
    const auto& transform = data.transform;
    auto& config = notes_.config();
    auto& input = config["model"]["input"];
    const double scale = notes_.number(transform.scale(), "scale");
    input = {{"channels", "BGR"}, {"scale", 1}, {"mean", mean_of(node, transform)}};
    if (scale <= 0) refuse_file(notes_.text().path(), "a data layer's scale is {}, expected a number above 0", scale);
    input["std"] = std::vector<double>(3, 1 / scale);
    input["resize"] = "squash";
    config["data"]["augment"]["flip"] = transform.mirror();
    const auto& images = layer.image_data_param();
    const bool resizes = data.lists_images && images.new_height() > 0 && images.new_width() > 0;
    const auto resized =
        resizes ? static_cast<std::int64_t>(std::min<std::uint64_t>(images.new_height(), 1U << 20U)) : kUsualResized;
    if (resizes && images.new_height() != images.new_width())
      notes_.differs(net_.at(node, data.field, "new_width"), "new_width: images become squares of new_height");
    if (data.lists_images && !images.is_color())
      notes_.missing(net_.at(node, data.field, "is_color"), "is_color: images have three channels");
    migrate_crop(node, transform, resizes, resized);
    input["interpolation"] = "bilinear";
    input["antialias"] = false;
  }

  void migrate_crop(int node, const caffe::TransformationParameter& transform, bool resizes, std::int64_t resized) {
    auto& config = notes_.config();
    auto& input = config["model"]["input"];
    auto& data = config["data"];
    const auto cropped = static_cast<std::int64_t>(std::min<std::uint64_t>(transform.crop_size(), 1U << 20U));
    if (cropped == 0) {
      if (resizes)
        data["image_size"] = resized;
      else
        notes_.todo(net_.at(node), "no crop_size: give data.image_size the size of the images in the data set");
      input["crop"] = 1;
      data["augment"]["random_resized_crop"] = nullptr;
      return;
    }
    data["image_size"] = cropped;
    if (!resizes)
      notes_.differs(net_.at(node, "transform_param", "crop_size"),
                     fmt::format("crop_size {}: the images in the data set are taken to have been resized to {}x{}, "
                                 "whatever their shape",
                                 cropped, resized, resized));
    const double share =
        std::min(1.0, static_cast<double>(cropped) / static_cast<double>(std::max<std::int64_t>(resized, 1)));
    input["crop"] = share;
    data["augment"]["random_resized_crop"] = {share * share, share * share};
    notes_.differs(
        net_.at(node, "transform_param", "crop_size"),
        fmt::format("crop_size {}: training images are random crops of the same share of the area, {:.3g}, but "
                    "also of other shapes, 3:4 to 4:3",
                    cropped, share * share));
  }

  std::vector<double> mean_of(int node, const caffe::TransformationParameter& transform) {
    std::vector<double> mean;
    for (const float value : transform.mean_value()) mean.push_back(notes_.number(value, "mean_value"));
    if (mean.size() == 1) return std::vector<double>(3, mean[0]);
    if (mean.size() == 3) return mean;
    if (!mean.empty())
      refuse_file(notes_.text().path(), "a data layer has {} times mean_value, expected 1 or 3", mean.size());
    if (!transform.has_mean_file()) return {0, 0, 0};
    const auto at = net_.at(node, "transform_param", "mean_file");
    if (mean = read_mean(transform.mean_file()); mean.size() == 3) {
      notes_.differs(at, "mean_file: the mean of each channel is subtracted, not that of each pixel");
      return mean;
    }
    notes_.todo(at, fmt::format("mean_file \"{}\" cannot be read: model.input.mean is Caffe's usual one",
                                transform.mean_file()));
    return {kUsualMean.begin(), kUsualMean.end()};
  }

  /// A file as its fields name it: from here, or from the network's own folder.
  std::filesystem::path find(const std::string& name) const {
    std::error_code ignored;
    const std::filesystem::path beside = notes_.text().path().parent_path() / name;
    return !std::filesystem::is_regular_file(name, ignored) && std::filesystem::is_regular_file(beside, ignored)
               ? beside
               : std::filesystem::path(name);
  }

  /// The channels' means of a binaryproto of three channels; empty for anything else.
  std::vector<double> read_mean(const std::string& name) const {
    const std::filesystem::path path = find(name);
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored) || std::filesystem::file_size(path, ignored) > 64U << 20U)
      return {};
    const FileContent content(path);
    caffe::BlobProto blob;
    if (!blob.ParseFromArray(content.bytes().data(), static_cast<int>(content.bytes().size()))) return {};
    const int area = blob.data_size() / 3;
    if (area == 0 || area * 3 != blob.data_size()) return {};
    std::vector<double> mean;
    for (auto channel = blob.data().begin(); channel != blob.data().end(); channel += area)
      mean.push_back(
          notes_.number(static_cast<float>(std::accumulate(channel, channel + area, 0.0) / area), "mean_file"));
    return mean;
  }

  std::int64_t count_lines(const std::string& name) const {
    std::ifstream file(find(name));
    std::int64_t lines = 0;
    for (std::string line; std::getline(file, line);) lines += line.empty() ? 0 : 1;
    return lines;
  }

  // --- The data of the test phase ---

  void migrate_evaluation() {
    bool found = false;
    for (const caffe::LayerParameter& layer : net_.net.layer()) {
      if (!in_phase(layer, caffe::TEST) || in_phase(layer, caffe::TRAIN) || layer.bottom_size() > 0) continue;
      const DataLayer data(layer);
      if (!data.is_known) continue;
      if (!found) {
        notes_.config()["data"]["eval"] = source_of(layer, data);
        compare_evaluation(layer, data);
      } else {
        notes_.missing(net_.at(layer), fmt::format("the layer {}: a second list to evaluate", layer.name()));
      }
      found = true;
    }
  }

  void compare_evaluation(const caffe::LayerParameter& layer, const DataLayer& data) {
    std::vector<Prototxt::Step> at = net_.at(layer);
    at.emplace_back("transform_param", -1);
    caffe::TransformationParameter test = data.transform,
                                   train = DataLayer(*net_.graph[parts_.data[0]].layer).transform;
    for (caffe::TransformationParameter* transform : {&test, &train}) transform->clear_mirror();
    if (test.SerializeAsString() != train.SerializeAsString())
      notes_.differs(at, "transform_param: an evaluation has the input of the training, and its middle");
    at.back() = {data.field, -1};
    at.emplace_back("batch_size", -1);
    notes_.differs(at, fmt::format("batch_size {} in the test phase: evaluations take two images a pair", data.batch));
  }

  const CaffeTraining& net_;
  const SiameseParts& parts_;
  CaffeNotes& notes_;
};

}  // namespace

std::int64_t migrate_data(const CaffeTraining& net, const SiameseParts& parts, CaffeNotes& notes) {
  return DataMigration(net, parts, notes).run();
}

}  // namespace tandem
