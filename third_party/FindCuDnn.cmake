# Defines CuDnn::CuDnn (cuDNN 9). It is in the toolkit's folders, the system's, or, without the unversioned name, in
# pip's wheel: site-packages/nvidia/cudnn, of which TANDEM_NVIDIA_WHEELS names the parent. The library loads its
# sub-libraries by itself.
find_path(CuDnn_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ${TANDEM_NVIDIA_WHEELS}/cudnn/include)
find_library(CuDnn_LIBRARY NAMES cudnn libcudnn.so.9
  HINTS ${CUDAToolkit_LIBRARY_DIR} ${TANDEM_NVIDIA_WHEELS}/cudnn/lib)
if(CuDnn_INCLUDE_DIR AND EXISTS ${CuDnn_INCLUDE_DIR}/cudnn_version.h)
  file(STRINGS ${CuDnn_INCLUDE_DIR}/cudnn_version.h CuDnn_LINES REGEX "#define CUDNN_(MAJOR|MINOR|PATCHLEVEL) [0-9]+")
  string(REGEX REPLACE "[^0-9;]" "" CuDnn_VERSION "${CuDnn_LINES}")
  string(REPLACE ";" "." CuDnn_VERSION "${CuDnn_VERSION}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CuDnn REQUIRED_VARS CuDnn_LIBRARY CuDnn_INCLUDE_DIR VERSION_VAR CuDnn_VERSION
  REASON_FAILURE_MESSAGE "install cuDNN 9, or name pip's wheels with TANDEM_NVIDIA_WHEELS")
if(CuDnn_FOUND AND CuDnn_VERSION VERSION_LESS 9)
  message(FATAL_ERROR "cuDNN ${CuDnn_VERSION} in ${CuDnn_INCLUDE_DIR}, expected 9 or newer")
endif()
if(CuDnn_FOUND AND NOT TARGET CuDnn::CuDnn)
  add_library(CuDnn::CuDnn UNKNOWN IMPORTED)
  set_target_properties(CuDnn::CuDnn PROPERTIES IMPORTED_LOCATION ${CuDnn_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${CuDnn_INCLUDE_DIR})
endif()
mark_as_advanced(CuDnn_INCLUDE_DIR CuDnn_LIBRARY)
