# Defines CuBlasLt::CuBlasLt (cuBLASLt of CUDA 12.4 or newer). It is in the toolkit, or, without the unversioned name, in
# pip's wheels: site-packages/nvidia/{cu13,cublas}, of which TANDEM_NVIDIA_WHEELS names the parent.
set(CuBlasLt_FOLDERS ${CUDAToolkit_LIBRARY_DIR} ${TANDEM_NVIDIA_WHEELS}/cu13/lib ${TANDEM_NVIDIA_WHEELS}/cublas/lib)
find_path(CuBlasLt_INCLUDE_DIR cublasLt.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ${TANDEM_NVIDIA_WHEELS}/cu13/include
  ${TANDEM_NVIDIA_WHEELS}/cublas/include)
find_library(CuBlasLt_LIBRARY NAMES cublasLt libcublasLt.so.13 libcublasLt.so.12 HINTS ${CuBlasLt_FOLDERS})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CuBlasLt REQUIRED_VARS CuBlasLt_LIBRARY CuBlasLt_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install cuBLAS with the CUDA toolkit, or name pip's wheels with TANDEM_NVIDIA_WHEELS")
if(CuBlasLt_FOUND AND NOT TARGET CuBlasLt::CuBlasLt)
  add_library(CuBlasLt::CuBlasLt UNKNOWN IMPORTED)
  set_target_properties(CuBlasLt::CuBlasLt PROPERTIES IMPORTED_LOCATION ${CuBlasLt_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${CuBlasLt_INCLUDE_DIR})
endif()
mark_as_advanced(CuBlasLt_INCLUDE_DIR CuBlasLt_LIBRARY)
