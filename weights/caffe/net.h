#pragma once
// Caffe's networks as messages, whichever of its formats they are in.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "weights/caffe/caffe.pb.h"
#include "weights/weights_file.h"

namespace tandem {

/// A .caffemodel. Layers of the old kind (`layers`) become ones of the new kind (`layer`), so that only these are left.
/// The old kind has no type for batch norm and scale: where the type is missing or unknown, a layer with three blobs,
/// the last of one element, is a batch norm, and one with one or two vectors is a scale. InputError if the file is
/// something else or damaged.
std::shared_ptr<const caffe::NetParameter> read_caffe_model(const std::filesystem::path& path);

/// Turns layers of the old kind into ones of the new kind, behind those of the new kind.
void upgrade_caffe(caffe::NetParameter& net);

/// A .prototxt, likewise; fields that Tandem does not know are passed over. InputError names the line.
std::shared_ptr<const caffe::NetParameter> read_caffe_text(const std::filesystem::path& path);

/// A blob's sizes: its shape, or the four sizes of an old file. InputError if it has not as many numbers.
std::vector<std::int64_t> blob_shape(const std::filesystem::path& path, const std::string& layer,
                                     const caffe::BlobProto& blob);

/// A blob as an entry that views its numbers.
WeightsEntry blob_entry(const std::filesystem::path& path, const std::string& layer, int number,
                        const caffe::BlobProto& blob);

}  // namespace tandem
